namespace Tidemark.LocalHost.Producing;

/// <summary>
/// The records of one partition that may be lines of ours which a killed producer had sent after its last save. Lines are offered in their order; since
/// an idempotent producer appends in order, the first line that is not found is not in Kafka, nor is any after it.
/// </summary>
internal sealed class ProducedTail
{
    private readonly Queue<(long Offset, byte[]? Key, byte[]? Value)> records;
    private bool isOver;

    public ProducedTail(IEnumerable<(long Offset, byte[]? Key, byte[]? Value)> records) => this.records = new(records);

    /// <summary>Offset after the last line found; null when none was.</summary>
    public long? NextOffset { get; private set; }

    /// <summary>Whether no record is left that may be a line of ours.</summary>
    public bool IsOver => records.Count == 0;

    /// <summary>Whether this line is in the partition. Records of other producers in between are passed over.</summary>
    public bool Contains(ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value)
    {
        if (isOver)
            return false;
        var skipped = 0;
        foreach (var record in records)
        {
            if (record.Key is not null == hasKey && key.SequenceEqual(record.Key) && record.Value is not null && value.SequenceEqual(record.Value))
            {
                NextOffset = record.Offset + 1;
                for (; skipped >= 0; skipped--)
                    records.Dequeue();
                return true;
            }

            skipped++;
        }

        isOver = true;
        records.Clear();
        return false;
    }
}
