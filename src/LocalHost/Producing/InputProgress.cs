using System.Security.Cryptography;
using Tidemark.Domain.Columns;
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
/// <param name="IsSettled">Whether nothing was on its way when this was written: no line behind those told is in Kafka.</param>
internal sealed record InputProgress(IReadOnlyList<InputFile> Files, PartitionProgress[] Partitions, bool IsComplete, bool IsSettled = false)
{
    /// <summary>Number of records of this input that are surely in Kafka is not known from here; this is the greatest line.</summary>
    public long GreatestLine => Partitions.Max(p => p.Line);

    public static InputProgress? Read(string path) => StateFile.Read<InputProgress>(path);

    public void Write(string path) => StateFile.Write(path, this);

    /// <summary>Whether this is the progress of the given files.</summary>
    public bool IsOf(IReadOnlyList<InputFile> files) => Files.Select(f => f.Fingerprint).SequenceEqual(files.Select(f => f.Fingerprint));

    /// <summary>Whether other files begin with the very lines that are in Kafka: a mended file, one that was packed anew, or has grown.</summary>
    /// <exception cref="SettingException">They cannot be read so far.</exception>
    public bool IsContinuedBy(IReadOnlyList<InputFile> files, string key)
    {
        using var lines = new InputLines(files, key, Partitions.Length);
        var same = 0;
        while (lines.Number < GreatestLine && lines.TryRead(out _))
        {
            if (Partitions[lines.Partition].Line == lines.Number && Partitions[lines.Partition].Hash == lines.Hash)
                same++;
        }

        return same == Partitions.Count(p => p.Line > 0);
    }
}

/// <summary>
/// Progress in one partition: records below <paramref name="Offset"/> are known; the last of ours among them is line <paramref name="Line"/> (0 = none), and <paramref name="Hash"/> is that of our lines up to it.
/// </summary>
internal readonly record struct PartitionProgress(long Offset, long Line, ulong Hash = 0)
{
    /// <summary>The hash of lines and one more.</summary>
    public static ulong Add(ulong hash, ReadOnlySpan<byte> line) => Hash64.Of(hash ^ Hash64.Of(line));
}

/// <summary>An input file, recognised by its content's length and first bytes wherever it lies.</summary>
/// <param name="Path">Full path.</param>
/// <param name="Fingerprint">Length and hash of the first bytes.</param>
/// <param name="Modified">When it was last written; null = not known.</param>
/// <param name="Content">Hash of all of it; null = not known.</param>
/// <param name="Lines">Lines that it had when it was read to its end.</param>
internal sealed record InputFile(string Path, string Fingerprint, DateTime? Modified = null, string? Content = null, long Lines = 0)
{
    private const int Sample = 1 << 16;

    /// <exception cref="SettingException">There is no such file.</exception>
    public static InputFile Of(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        return Reading(path, file =>
        {
            var modified = File.GetLastWriteTimeUtc(path); // Before the content: a change in between is then noticed.
            var head = new byte[Sample];
            var read = file.ReadAtLeast(head, Sample, throwOnEndOfStream: false);
            return new InputFile(path, $"{file.Length}-{Convert.ToHexStringLower(SHA256.HashData(head.AsSpan(0, read)))[..16]}", modified);
        });
    }

    /// <summary>The file with the hash of its whole content.</summary>
    /// <exception cref="SettingException">It cannot be read any more.</exception>
    public InputFile WithContent() => Content is not null ? this : this with { Content = Reading(Path, file => Convert.ToHexStringLower(SHA256.HashData(file))[..32]) };

    /// <summary>Whether this has the content that another had when that was read. What is not known of the other is not compared.</summary>
    public bool IsSameAs(InputFile other) => Fingerprint == other.Fingerprint
        && ((Path == other.Path && Modified == other.Modified) || other.Content is null || WithContent().Content == other.Content);

    private static T Reading<T>(string path, Func<FileStream, T> read)
    {
        try
        {
            using var file = File.OpenRead(path);
            return read(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"--input {path} cannot be read: {e.Message}");
        }
    }
}
