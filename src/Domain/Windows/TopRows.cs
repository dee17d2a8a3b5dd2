using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Windows;

/// <summary>The first rows of each window by a column, numbered.</summary>
internal static class TopRows
{
    /// <summary>Name of the column that numbers them, from 1.</summary>
    public const string Rank = "rank";

    private const int RankAt = 2;   // after window_start and window_end

    /// <summary>Result columns with the rank among them.</summary>
    public static RowSchema Ranked(RowSchema groups) =>
        new([.. groups.Fields.Take(RankAt), new RowField(Rank, FieldType.Int32, false), .. groups.Fields.Skip(RankAt)]);

    /// <summary>Keeps the first of each window. Rows come ordered by window and group, which decides between equal values.</summary>
    public static RowBatch Of(RowBatch rows, TopDefinition top)
    {
        var ends = (Int64Column)rows.Columns[1];
        var order = new ColumnOrder(rows[top.By], top.Descending);
        List<int> kept = [], best = [];
        var ranks = new Int32ColumnBuilder();
        for (var row = 0; row < rows.Count; row++)
        {
            Insert(best, row, top.Count, order);
            if (row + 1 < rows.Count && ends.Values[row + 1] == ends.Values[row])
                continue;
            for (var i = 0; i < best.Count; i++)
                ranks.Append(i + 1);
            kept.AddRange(best);
            best.Clear();
        }
        var taken = RowBatches.Take(rows, kept.ToArray());
        return new RowBatch(Ranked(rows.Schema), [.. taken.Columns.Take(RankAt), ranks.Build(), .. taken.Columns.Skip(RankAt)], kept.Count);
    }

    /// <summary>Puts a row behind those that are not after it, if it is among the first.</summary>
    private static void Insert(List<int> best, int row, int limit, ColumnOrder order)
    {
        if (best.Count == limit && order.Compare(best[^1], row) <= 0)
            return;
        int low = 0, high = best.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (order.Compare(best[middle], row) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        best.Insert(low, row);
        if (best.Count > limit)
            best.RemoveAt(limit);
    }
}
