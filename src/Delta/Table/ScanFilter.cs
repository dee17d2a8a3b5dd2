namespace Tidemark.Delta;

/// <summary>
/// Bounds on columns that let files and row groups be passed over. A filter only leaves out what cannot hold a matching row; rows
/// that do not match may still come and are for the caller to drop.
/// </summary>
public sealed class ScanFilter
{
    private readonly List<ColumnRange> _ranges = [];

    internal IReadOnlyList<ColumnRange> Ranges => _ranges;

    /// <summary>Rows whose value lies in [from, to]; null leaves a side open. For Byte, Short, Int32, Int64, Date (days) and Timestamp (micros UTC).</summary>
    public ScanFilter Between(string column, long? from, long? to) => Add(new ColumnRange(column, from, to, null, null));

    /// <summary>Rows whose text lies in [from, to] by the order of UTF-8 bytes; null leaves a side open.</summary>
    public ScanFilter Between(string column, string? from, string? to) => Add(new ColumnRange(column, null, null, from, to));

    /// <summary>Rows with just this value.</summary>
    public ScanFilter EqualTo(string column, long value) => Between(column, value, value);

    /// <summary>Rows with just this text.</summary>
    public ScanFilter EqualTo(string column, string value) => Between(column, value, value);

    private ScanFilter Add(ColumnRange range)
    {
        _ranges.Add(range);
        return this;
    }
}

/// <summary>One condition of a filter.</summary>
internal sealed record ColumnRange(string Column, long? From, long? To, string? TextFrom, string? TextTo)
{
    public bool IsText => TextFrom is not null || TextTo is not null;
}
