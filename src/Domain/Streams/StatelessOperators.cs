using Tidemark.Domain.Columns;
using Tidemark.Domain.Windows;

namespace Tidemark.Domain.Streams;

/// <summary>
/// Union: columns by position, named as in the first source. Whole numbers and decimals of one width go together at the greatest scale; other types must be
/// the same.
/// </summary>
internal sealed class UnionOperator : StreamOperator
{
    private readonly RowSchema[] sources;

    public UnionOperator(string stage, RowSchema[] sources, string? eventTime)
    {
        (this.sources, EventTime) = (sources, eventTime);
        if (sources.FirstOrDefault(s => s.Fields.Count != sources[0].Fields.Count) is { } other)
            throw new StreamException(stage, $"it unites {sources[0].Fields.Count} columns with {other.Fields.Count}; give all the same number of columns");
        Output = new RowSchema([.. Enumerable.Range(0, sources[0].Fields.Count).Select(i => Common(stage, [.. sources.Select(s => s.Fields[i])]))]);
    }

    public override RowSchema Output { get; }

    public override string? EventTime { get; }

    public override bool SharesRows => true;

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit) => emit(new RowBatch(Output,
        [.. rows.Columns.Select((column, i) => Scaled(column, Output.Fields[i].Scale - sources[port].Fields[i].Scale))], rows.Count));

    private static RowField Common(string stage, RowField[] fields)
    {
        if (fields.All(f => f.Type == fields[0].Type && f.Scale == fields[0].Scale && f.Precision == fields[0].Precision))
            return fields[0];
        if (fields.All(f => f is { Type: FieldType.Int64 } or { Type: FieldType.Decimal, Precision: <= 18 }))
            return fields[0] with { Type = FieldType.Decimal, Precision = 18, Scale = fields.Max(f => f.Scale), Nullable = true };
        throw new StreamException(stage, $"it unites column '{fields[0].Name}' of types {string.Join(" and ", fields.Select(f => f.Type).Distinct())}; make them the same");
    }

    private static Column Scaled(Column column, int digits)
    {
        if (digits == 0)
            return column;
        var builder = new Int64ColumnBuilder();
        var factor = (long)Math.Pow(10, digits);
        for (var row = 0; row < column.Count; row++)
            if (column.IsNull(row))
                builder.AppendNull();
            else
                builder.Append(checked(((Int64Column)column).Values[row] * factor));
        return builder.Build();
    }
}

/// <summary>A function of the program over rows.</summary>
internal sealed class MapOperator(MapStage stage) : StreamOperator
{
    public override RowSchema Output => stage.Output;

    public override string? EventTime => stage.EventTime;

    public override bool SharesRows => true;

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit) => emit(stage.Map(rows));
}

/// <summary>Sorting of a complete result: rows pass, the table is sorted by whoever reads it.</summary>
internal sealed class PassOperator(RowSchema output, string? eventTime) : StreamOperator
{
    public override RowSchema Output => output;

    public override string? EventTime => eventTime;

    public override bool SharesRows => true;

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit) => emit(rows);
}

/// <summary>One row per window that a row is in.</summary>
internal sealed class AssignWindowOperator(RowSchema source, int timeColumn, SliceGrid grid) : StreamOperator
{
    private static readonly RowField[] Added =
        [new("window_start", FieldType.Timestamp, false), new("window_end", FieldType.Timestamp, false), new("window_time", FieldType.Timestamp, false)];

    public override RowSchema Output { get; } = new([.. Added, .. source.Fields]);

    public override string? EventTime => "window_time";

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        var output = new RowsBuilder(Output);
        var times = (Int64Column)rows.Columns[timeColumn];
        for (var row = 0; row < rows.Count; row++)
        {
            if (times.IsNull(row))
                continue;
            var slice = grid.SliceOf(SliceGrid.FloorDivide(times.Values[row], 1000));
            for (var end = grid.FirstEnd(slice); end <= grid.LastEnd(slice); end += grid.Slide)
            {
                output.Time(0, (end - grid.Size) * 1000);
                output.Time(1, end * 1000);
                output.Time(2, end * 1000 - 1);
                output.Copy(3, rows, row);
            }
        }
        emit(output.Build());
    }
}

/// <summary>The session that a row alone would be.</summary>
internal sealed class AssignSessionOperator(RowSchema source, int timeColumn, long gap, int? gapColumn) : StreamOperator
{
    private static readonly RowField[] Added =
        [new("session_start", FieldType.Timestamp, false), new("session_end", FieldType.Timestamp, false), new("session_time", FieldType.Timestamp, false)];

    public override RowSchema Output { get; } = new([.. Added, .. source.Fields]);

    public override string? EventTime => "session_time";

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        var output = new RowsBuilder(Output);
        var times = (Int64Column)rows.Columns[timeColumn];
        for (var row = 0; row < rows.Count; row++)
        {
            var length = GapOf(rows, row, gap, gapColumn);
            if (times.IsNull(row) || length <= 0)
                continue;
            output.Time(0, times.Values[row]);
            output.Time(1, times.Values[row] + length);
            output.Time(2, times.Values[row] + length - 1);
            output.Copy(3, rows, row);
        }
        emit(output.Build());
    }

    /// <summary>The gap of a row, µs; 0 when it has none.</summary>
    public static long GapOf(RowBatch rows, int row, long gap, int? gapColumn) =>
        gapColumn is not { } column ? gap : rows.Columns[column].IsNull(row) ? 0 : ((Int64Column)rows.Columns[column]).Values[row];
}
