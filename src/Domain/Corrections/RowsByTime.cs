using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Corrections;

/// <summary>Rows of a batch of events by their time, so that many spans are cut out of it without a look at every row for each of them.</summary>
internal sealed class RowsByTime
{
    private readonly RowBatch _rows;
    private readonly long[] _times;
    private readonly int[] _order;

    public RowsByTime(RowBatch rows)
    {
        _rows = rows;
        _order = [.. Enumerable.Range(0, rows.Count)];
        _times = [.. _order.Select(row => EventRows.Origin(rows, row).TimeMs)];
        Array.Sort(_times, _order);
    }

    /// <summary>The rows with time in [from, to), ms, less some events by partition and offset; in the order of the batch.</summary>
    public int[] Within(long fromMs, long toMs, IReadOnlySet<(int, long)> less)
    {
        var found = _order[First(fromMs)..Math.Max(First(fromMs), First(toMs))];
        if (less.Count > 0)
            found = [.. found.Where(row => EventRows.Origin(_rows, row) is var (partition, offset, _) && !less.Contains((partition, offset)))];
        Array.Sort(found);
        return found;
    }

    /// <summary>Place of the first row with this time or a later one.</summary>
    private int First(long timeMs)
    {
        var (from, to) = (0, _times.Length);
        while (from < to)
        {
            var middle = (from + to) / 2;
            if (_times[middle] < timeMs)
                from = middle + 1;
            else
                to = middle;
        }

        return from;
    }
}
