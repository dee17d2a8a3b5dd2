using System.Text;

namespace Tidemark.Delta.Log;

/// <summary>Names in the log folder, and how the log spells the paths of data files.</summary>
internal static class LogPath
{
    public const string Folder = "_delta_log/";
    public const string LastCheckpoint = Folder + "_last_checkpoint";

    public static string Commit(long version) => $"{Folder}{version:D20}.json";

    public static string Checkpoint(long version) => $"{Folder}{version:D20}.checkpoint.parquet";

    /// <summary>Percent-encodes what a URI's path may not hold.</summary>
    public static string Encode(string path)
    {
        if (path.AsSpan().IndexOfAnyExcept(Plain) < 0) return path;
        var text = new StringBuilder(path.Length + 16);
        foreach (var b in Encoding.UTF8.GetBytes(path))
        {
            if (b < 128 && Plain.Contains((char)b)) text.Append((char)b);
            else text.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    /// <summary>Undoes percent-encoding, exactly once.</summary>
    public static string Decode(string path) => path.Contains('%') ? Uri.UnescapeDataString(path) : path;

    private static readonly System.Buffers.SearchValues<char> Plain =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/=");
}
