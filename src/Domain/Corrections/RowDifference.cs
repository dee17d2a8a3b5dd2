using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Corrections;

/// <summary>Rows by their content.</summary>
public static class RowDifference
{
    /// <summary>A row as text: equal rows of one schema, however their columns are held, have equal text.</summary>
    public static string Text(RowBatch rows, int row) =>
        string.Join('\u001f', Enumerable.Range(0, rows.Columns.Count).Select(column => rows.Text(row, column) is { } text ? "=" + text : ""));

    /// <summary>Rows of one side that the other has not, both ways. Both have the same columns.</summary>
    public static (RowBatch Gone, RowBatch Come) Between(RowBatch before, RowBatch after)
    {
        var old = Enumerable.Range(0, before.Count).Select(row => Text(before, row)).ToList();
        var now = Enumerable.Range(0, after.Count).Select(row => Text(after, row)).ToList();
        var (inOld, inNow) = (old.ToHashSet(StringComparer.Ordinal), now.ToHashSet(StringComparer.Ordinal));
        return (RowBatches.Where(before, row => !inNow.Contains(old[row])), RowBatches.Where(after, row => !inOld.Contains(now[row])));
    }
}
