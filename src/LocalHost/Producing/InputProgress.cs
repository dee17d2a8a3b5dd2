using System.Security.Cryptography;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// How far the input of a topic has got, in <c>input.json</c> (of a further topic <c>input-NAME.json</c>). A line's number counts over all files in order. Per partition, what is surely in Kafka; what
/// was produced after the last save is found by reading the partition's end.
/// </summary>
/// <param name="Files">The files, in order.</param>
/// <param name="Partitions">Per partition: offset up to which it has been looked at, and the last line of ours below it.</param>
/// <param name="IsComplete">Whether every line is in Kafka.</param>
internal sealed record InputProgress(IReadOnlyList<InputFile> Files, PartitionProgress[] Partitions, bool IsComplete)
{
    /// <summary>Number of records of this input that are surely in Kafka is not known from here; this is the greatest line.</summary>
    public long GreatestLine => Partitions.Max(p => p.Line);

    public static InputProgress? Read(string path) => StateFile.Read<InputProgress>(path);

    public void Write(string path) => StateFile.Write(path, this);

    /// <summary>Whether this is the progress of the given files.</summary>
    public bool IsOf(IReadOnlyList<InputFile> files) => Files.Select(f => f.Fingerprint).SequenceEqual(files.Select(f => f.Fingerprint));
}

/// <summary>Progress in one partition: records below <paramref name="Offset"/> are known; the last of ours among them is line <paramref name="Line"/> (0 = none).</summary>
internal readonly record struct PartitionProgress(long Offset, long Line);

/// <summary>An input file, recognised by its content's length and first bytes wherever it lies.</summary>
internal sealed record InputFile(string Path, string Fingerprint)
{
    private const int Sample = 1 << 16;

    /// <exception cref="SettingException">There is no such file.</exception>
    public static InputFile Of(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            using var file = File.OpenRead(path);
            var head = new byte[Sample];
            var read = file.ReadAtLeast(head, Sample, throwOnEndOfStream: false);
            return new InputFile(path, $"{file.Length}-{Convert.ToHexStringLower(SHA256.HashData(head.AsSpan(0, read)))[..16]}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"--input {path} cannot be read: {e.Message}");
        }
    }
}
