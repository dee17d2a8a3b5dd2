using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Windows;

namespace Tidemark.Domain.Joins;

/// <summary>A join bound to the columns of its two sides (0 left, 1 right): keys, times, conditions, output.</summary>
internal sealed class JoinSources
{
    private const long Never = long.MaxValue;
    private readonly JoinStage stage;
    private readonly bool[] hasWatermark;
    private readonly int?[] eventTime = new int?[2];
    private readonly int[][] keyColumns = new int[2][];
    private readonly int nullableKeys;                 // the first so many key columns match nothing when null
    private readonly int?[] windowColumn = new int?[2];
    private readonly bool windowsGiven;
    private readonly SliceGrid grid;
    private readonly int?[] keyTime = new int?[2];     // an equality on event time
    private readonly Bound[] bounds;
    private readonly List<(int Column, Comparison Comparison, long Plus)>[] frees = [[], []];
    private readonly (int Column, long Behind)[][] goes;   // a row can go when the watermark is so far behind its time
    private readonly string? windowField;

    // left op right + plus, columns by side
    private readonly record struct Bound(int Left, Comparison Comparison, int Right, long Plus);

    public JoinSources(JoinStage stage, RowSchema[] schemas, string?[] times, bool[] watermarks)
    {
        (this.stage, Schemas, hasWatermark) = (stage, schemas, watermarks);
        for (var side = 0; side < 2; side++)
        {
            eventTime[side] = times[side] is { } time ? schemas[side].IndexOf(time) : null;
            keyColumns[side] = [.. stage.Equal.Concat(stage.NullSafeEqual).Select(e => schemas[side].IndexOf(side == 0 ? e.Left : e.Right))];
            if (stage.Window is { } window)
                windowColumn[side] = schemas[side].IndexOf(side == 0 ? window.Left : window.Right);
        }
        nullableKeys = stage.Equal.Count;
        windowsGiven = stage.Window is { Left: "window_end" };
        if (stage.Window is { } common && !windowsGiven)
            grid = new SliceGrid(common.Size.Ticks / TimeSpan.TicksPerMillisecond, common.Size.Ticks / TimeSpan.TicksPerMillisecond, 0);
        for (var i = 0; i < keyColumns[0].Length; i++)
            if (watermarks[0] && keyColumns[0][i] == eventTime[0] || watermarks[1] && keyColumns[1][i] == eventTime[1])
                (keyTime[0], keyTime[1]) = (keyColumns[0][i], keyColumns[1][i]);
        bounds = [.. stage.TimeBounds.Concat(stage.Conditions).Select(Bind)];
        foreach (var bound in bounds.Take(stage.TimeBounds.Count))
        {
            if (watermarks[1] && bound.Right == eventTime[1])
                frees[0].Add((bound.Left, bound.Comparison, bound.Plus));
            var (mirrored, minus) = StateBound.Mirror(bound.Comparison, bound.Plus);
            if (watermarks[0] && bound.Left == eventTime[0])
                frees[1].Add((bound.Right, mirrored, minus));
        }
        goes = [.. frees.Select(side => side.Select(f => (f.Column, Behind: StateBound.Of([(f.Comparison, f.Plus)], 0)))
            .Where(f => f.Behind is not null).Select(f => (f.Column, f.Behind!.Value)).ToArray())];
        windowField = stage.Window is null ? null : "window_end";
        Output = OutputSchema();
        OutputTime = windowField is not null ? "window_time" : times[stage.Type == JoinType.RightOuter ? 1 : 0] ?? times[1];
    }

    public RowSchema[] Schemas { get; }

    public RowSchema Output { get; }

    public string? OutputTime { get; }

    /// <summary>Writes the join key of a row; false when it can match nothing.</summary>
    public bool Key(int side, RowBatch rows, int row, ByteWriter to)
    {
        to.Clear();
        var ok = true;
        for (var i = 0; i < keyColumns[side].Length; i++)
        {
            var column = rows.Columns[keyColumns[side][i]];
            ok &= i >= nullableKeys || !column.IsNull(row);
            OrderedKey.Append(to, column, row);
        }
        if (stage.Window is not null)
        {
            ok &= WindowEnd(side, rows, row) is not null;
            OrderedKey.AppendTime(to, WindowEnd(side, rows, row) ?? 0);
        }
        return ok;
    }

    /// <summary>Whether a row comes too late for its side.</summary>
    public bool IsLate(int side, RowBatch rows, int row, long watermark)
    {
        if (!hasWatermark[side])
            return false;
        var time = stage.Window is not null ? WindowEnd(side, rows, row) : eventTime[side] is { } column ? Value(rows, row, column) : null;
        return time <= watermark;
    }

    /// <summary>The watermark at which a stored row can go.</summary>
    public long GoesAt(int side, RowBatch rows, int row)
    {
        if (stage.Window is not null)
            return hasWatermark[0] || hasWatermark[1] ? WindowEnd(side, rows, row) ?? long.MinValue : Never;
        if (keyTime[side] is { } column)
            return Value(rows, row, column) ?? long.MinValue;
        // time ≤ bound(W) holds from some W on, because every bound is W plus a constant. The smallest bound counts, so the latest W.
        long latest = long.MinValue;
        foreach (var (field, behind) in goes[side])
            latest = Math.Max(latest, Value(rows, row, field) is { } time ? time - behind : long.MinValue + 1);
        return latest == long.MinValue ? Never : latest;
    }

    /// <summary>Whether all conditions between the two rows hold; equality is known from the key.</summary>
    public bool Matches(RowBatch left, int leftRow, RowBatch right, int rightRow)
    {
        foreach (var bound in bounds)
        {
            if (left.Columns[bound.Left].IsNull(leftRow) || right.Columns[bound.Right].IsNull(rightRow))
                return false;
            var order = left.Columns[bound.Left] is Int64Column a && right.Columns[bound.Right] is Int64Column b
                ? a.Values[leftRow].CompareTo(b.Values[rightRow] + bound.Plus)
                : string.CompareOrdinal(left.Text(leftRow, bound.Left), right.Text(rightRow, bound.Right));
            if (!Holds(bound.Comparison, order))
                return false;
        }
        return true;
    }

    /// <summary>Appends a result row; a side that is null is all nulls.</summary>
    public void Emit(RowsBuilder output, RowBatch? left, int leftRow, RowBatch? right, int rightRow)
    {
        var at = Schemas[0].Fields.Count;
        if (left is not null)
            output.Copy(0, left, leftRow);
        else
            output.Nulls(0, at);
        if (stage.Type == JoinType.LeftSemi)
            output.Nulls(at, Schemas[1].Fields.Count);
        else if (right is not null)
            output.Copy(at, right, rightRow);
        else
            output.Nulls(at, Schemas[1].Fields.Count);
        at += Schemas[1].Fields.Count;
        if (windowField is not null && !windowsGiven)
        {
            if ((left is not null ? WindowEnd(0, left, leftRow) : WindowEnd(1, right!, rightRow)) is { } end)
            {
                output.Time(at, end - grid.Size * 1000);
                output.Time(at + 1, end);
                output.Time(at + 2, end - 1);
            }
            else
                output.Nulls(at, 3);
            at += 3;
        }
        if (keyColumns[0].Length > 0)
            output.Columns[at].AppendFrom(left is not null ? left.Columns[keyColumns[0][0]] : right!.Columns[keyColumns[1][0]], left is not null ? leftRow : rightRow);
    }

    /// <summary>The watermark for stages behind: a range join hands out matches as old as its state.</summary>
    public long OutputWatermark(long watermark)
    {
        if (stage.Window is not null || keyTime[0] is not null || watermark == long.MinValue || watermark == long.MaxValue)
            return watermark;
        var least = watermark;
        for (var side = 0; side < 2; side++)
            if (StateBound.Of(frees[side].Select(f => (f.Comparison, f.Plus)), watermark) is { } bound)
                least = Math.Min(least, bound);
        return least;
    }

    private RowSchema OutputSchema()
    {
        var fields = new List<RowField>();
        foreach (var schema in Schemas)
            foreach (var field in schema.Fields)
                fields.Add(field with { Nullable = true, Name = fields.Any(f => f.Name == field.Name) ? "right_" + field.Name : field.Name });
        if (windowField is not null && !windowsGiven)
            fields.AddRange([new("window_start", FieldType.Timestamp), new("window_end", FieldType.Timestamp), new("window_time", FieldType.Timestamp)]);
        if (keyColumns[0].Length > 0)
            fields.Add(Schemas[0].Fields[keyColumns[0][0]] with { Name = "key", Nullable = true });
        return new RowSchema(fields);
    }

    private Bound Bind(JoinBound bound)
    {
        if (Has(0, bound.Left))
            return new Bound(Schemas[0].IndexOf(bound.Left), bound.Comparison, Schemas[1].IndexOf(bound.Right), bound.Plus);
        var (mirrored, minus) = StateBound.Mirror(bound.Comparison, bound.Plus);
        return new Bound(Schemas[0].IndexOf(bound.Right), mirrored, Schemas[1].IndexOf(bound.Left), minus);
    }

    private bool Has(int side, string name) => Schemas[side].Fields.Any(f => f.Name == name);

    private long? WindowEnd(int side, RowBatch rows, int row)
    {
        if (Value(rows, row, windowColumn[side]!.Value) is not { } time)
            return null;
        return windowsGiven ? time : grid.LastEnd(grid.SliceOf(SliceGrid.FloorDivide(time, 1000))) * 1000;
    }

    private static long? Value(RowBatch rows, int row, int column) => rows.Columns[column].IsNull(row) ? null : ((Int64Column)rows.Columns[column]).Values[row];

    private static bool Holds(Comparison comparison, int order) => comparison switch
    {
        Comparison.Equal => order == 0,
        Comparison.NotEqual => order != 0,
        Comparison.Less => order < 0,
        Comparison.LessOrEqual => order <= 0,
        Comparison.Greater => order > 0,
        _ => order >= 0,
    };
}
