namespace Tidemark.LocalHost.Emulator;

/// <summary>Collects a partition's records in their order and lets the oldest go, as retention by size does, while there are more than <see cref="KafkaEmulator.RetainedBytes"/>.</summary>
/// <param name="start">Where the log starts.</param>
/// <param name="keep">Records from this offset on are kept, however many; −1 = all.</param>
internal sealed class NewestRecords(long start, long keep)
{
    // The least that a record takes in a batch beside its bytes: what was not packed is kept as it is.
    private const int Overhead = 7;

    private readonly Queue<SavedRecord> records = new();
    private long bytes;

    /// <summary>Offset of the first record that is kept; where there is none, of the next one.</summary>
    public long First { get; private set; } = start;

    /// <summary>Offset behind the last record.</summary>
    public long Next { get; private set; } = start;

    public IReadOnlyList<SavedRecord> Records => [.. records];

    /// <exception cref="InvalidOperationException">Offsets are missing before this one.</exception>
    public void Add(long offset, SavedRecord record)
    {
        Reach(offset);
        Next = offset + 1;
        records.Enqueue(record);
        for (bytes += record.Size + Overhead; bytes > KafkaEmulator.RetainedBytes && records.Count > 1 && First < keep; First++)
            bytes -= records.Dequeue().Size + Overhead;
    }

    /// <summary>The log goes on, or ends, at this offset: what lies before the first record is none.</summary>
    /// <exception cref="InvalidOperationException">Records are missing before it.</exception>
    public void Reach(long offset)
    {
        if (records.Count > 0 && offset != Next)
            throw new InvalidOperationException($"The emulator has no record at offset {Next}; it goes on at {offset}.");
        if (records.Count == 0)
            First = offset;
        Next = offset;
    }
}
