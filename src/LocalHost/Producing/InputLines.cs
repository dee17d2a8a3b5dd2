using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Producing;

/// <summary>The lines of files, one file after the other, with the partition that each belongs in: by its key, or by its number when it has none.</summary>
/// <param name="files">The files.</param>
/// <param name="key">Field that is the key.</param>
/// <param name="partitions">Number of partitions.</param>
internal sealed class InputLines(IReadOnlyList<InputFile> files, string key, int partitions) : IDisposable
{
    private readonly byte[] keyBuffer = new byte[LineKey.MaxLength];
    private readonly ulong[] hashes = new ulong[partitions];
    private readonly long[] counts = new long[files.Count];
    private LineReader? reader;
    private int file = -1;
    private int keyLength = -1;

    /// <summary>Number of the line over all files, from 1; 0 before the first.</summary>
    public long Number { get; private set; }

    public int Partition { get; private set; }

    public bool HasKey => keyLength >= 0;

    public ReadOnlySpan<byte> Key => keyBuffer.AsSpan(0, Math.Max(0, keyLength));

    /// <summary>Hash of this partition's lines up to this one.</summary>
    public ulong Hash => hashes[Partition];

    /// <summary>The files with the number of lines that were read of each.</summary>
    public IReadOnlyList<InputFile> Counted => [.. files.Select((f, i) => f with { Lines = counts[i] })];

    /// <summary>The next line; valid until the next call.</summary>
    /// <exception cref="SettingException">A file is damaged or cannot be read.</exception>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            if (reader is not null && reader.TryRead(out line))
                break;
            reader?.Dispose();
            reader = null;
            if (file + 1 == files.Count)
            {
                line = default;
                return false;
            }

            reader = new LineReader(files[++file].Path);
        }

        Number++;
        counts[file]++;
        keyLength = LineKey.Read(line, key, keyBuffer);
        Partition = HasKey ? KafkaPartitioner.Partition(Key, partitions) : (int)(Number % partitions);
        hashes[Partition] = PartitionProgress.Add(hashes[Partition], line);
        return true;
    }

    public void Dispose() => reader?.Dispose();
}
