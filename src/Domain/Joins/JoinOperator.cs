using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Joins;

/// <summary>
/// Joins two streams. Every row meets the stored rows of the other side, then is stored itself; matches come out at once. A row is late by its own event time
/// (by the end of its window with a common window) if its side has a watermark; late rows neither join nor are stored. A stored row goes when
/// no row that is not late can match it any more; a row of an outer side that has not matched by then comes out with nulls, in the order of the times at which they go. A row that fails
/// the condition on its own side has no partner: it is not stored, and comes out with nulls at once on an outer side. State: both sides' rows.
/// </summary>
internal sealed class JoinOperator : StreamOperator
{
    private readonly JoinStage stage;
    private readonly JoinSources sources;
    private readonly JoinSide[] sides;
    private readonly ByteWriter key = new();
    private readonly List<(long Due, int Port, int Place)> alone = [];
    private byte[] mask = [];
    private RowsBuilder? output;

    public JoinOperator(JoinStage stage, RowSchema left, RowSchema right, string? leftTime, string? rightTime, bool leftWatermark, bool rightWatermark)
    {
        this.stage = stage;
        sources = new JoinSources(stage, [left, right], [leftTime, rightTime], [leftWatermark, rightWatermark]);
        sides = [new JoinSide(left), new JoinSide(right)];
        RowMask.Fill(stage.LeftFilter, Empty(left), []);   // columns that are not there are found now, not with the first row
        RowMask.Fill(stage.RightFilter, Empty(right), []);
        Output = sources.Output;
    }

    public override RowSchema Output { get; }

    public override string? EventTime => sources.OutputTime;

    public override long StateRows => sides[0].Count + sides[1].Count;

    /// <summary>Rows held on one side: 0 left, 1 right.</summary>
    public RowBatch Held(int side) => RowBatches.Where(sides[side].Rows, sides[side].IsAlive);

    public override long OutputWatermark => sources.OutputWatermark(Watermark);

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        if (mask.Length < rows.Count)
            mask = new byte[rows.Count * 5 / 4];
        RowMask.Fill(port == 0 ? stage.LeftFilter : stage.RightFilter, rows, mask);
        for (var row = 0; row < rows.Count; row++)
        {
            if (sources.IsLate(port, rows, row, Watermark))
            {
                Counts.DroppedLate++;
                Counts.DroppedLateRows++;
            }
            else if (mask[row] != 0)
                AddRow(port, rows, row);
            else if (IsOuter(port))
                EmitAlone(port, rows, row);
        }
        sides[port].Store(rows);
        Flush(emit);
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        for (var port = 0; port < 2; port++)
        {
            var side = sides[port];
            for (var place = side.NextDue(0, Watermark); place >= 0; place = side.NextDue(place + 1, Watermark))
            {
                if (IsOuter(port) && !side.IsMatched(place))
                    alone.Add((side.Due(place), port, place));
                side.Remove(place);
                Counts.Removed++;
            }
        }

        // As they become due: whatever is behind sees the same order whether time moves in one step or in several.
        alone.Sort();
        foreach (var (_, port, place) in alone)
            EmitAlone(port, sides[port].Rows, place);
        alone.Clear();
        foreach (var side in sides)
            side.Pack();
        Flush(emit);
    }

    public override void Save(ByteWriter to)
    {
        for (var port = 0; port < 2; port++)
        {
            var side = sides[port];
            to.Varint((ulong)side.Count);
            for (var place = 0; place < side.Places; place++)
                if (side.IsAlive(place))
                    to.Byte(side.IsMatched(place) ? (byte)1 : (byte)0);
            foreach (var column in RowBatches.Where(side.Rows, side.IsAlive).Columns)
                ColumnCodec.Write(to, column);
        }
    }

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        for (var port = 0; port < 2; port++)
        {
            var matched = from.Take(from.Count(1)).ToArray();
            var columns = new Column[sources.Schemas[port].Fields.Count];
            for (var i = 0; i < columns.Length; i++)
                columns[i] = ColumnCodec.Read(ref from, matched.Length);
            var rows = new RowBatch(sources.Schemas[port], columns, matched.Length);
            for (var row = 0; row < matched.Length; row++)
                sides[port].Add(row, sources.Key(port, rows, row, key) is var hasKey ? key.Written : [], hasKey, sources.GoesAt(port, rows, row), matched[row] != 0);
            sides[port].Store(rows);
        }
    }

    private void AddRow(int port, RowBatch rows, int row)
    {
        var hasKey = sources.Key(port, rows, row, key);
        var other = sides[1 - port];
        var semi = stage.Type == JoinType.LeftSemi;
        var isMatched = false;
        if (hasKey)
            for (var place = other.First(key.Written); place >= 0; place = other.Next(place))
            {
                if (!other.IsAlive(place))
                    continue;
                var (left, leftRow, right, rightRow) = port == 0 ? (rows, row, other.Rows, place) : (other.Rows, place, rows, row);
                if (!sources.Matches(left, leftRow, right, rightRow))
                    continue;
                isMatched = true;
                if (semi && port == 1 && other.IsMatched(place))
                    continue;
                other.Match(place);
                sources.Emit(output ??= new RowsBuilder(Output), left, leftRow, semi ? null : right, rightRow);
                if (semi && port == 0)
                    break;
                if (semi)
                    other.Remove(place);
            }
        var goes = sources.GoesAt(port, rows, row);
        if (goes <= Watermark)
        {
            // Nothing that is not late can match it any more: it is not stored.
            if (IsOuter(port) && !isMatched)
                EmitAlone(port, rows, row);
        }
        else if (!(semi && port == 0 && isMatched) && (hasKey || IsOuter(port)))
            sides[port].Add(row, key.Written, hasKey, goes, isMatched);
    }

    private void Flush(Action<RowBatch> emit)
    {
        if (output is not { } emitted)
            return;
        output = null;
        emit(emitted.Build());
    }

    private void EmitAlone(int port, RowBatch rows, int row)
    {
        output ??= new RowsBuilder(Output);
        if (port == 0)
            sources.Emit(output, rows, row, null, 0);
        else
            sources.Emit(output, null, 0, rows, row);
    }

    private bool IsOuter(int port) => stage.Type == JoinType.FullOuter || stage.Type == (port == 0 ? JoinType.LeftOuter : JoinType.RightOuter);
}
