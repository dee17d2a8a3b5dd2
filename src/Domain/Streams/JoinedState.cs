using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Streams;

/// <summary>
/// A stream over the commits of two tables. The order in which it takes them follows from the tables alone: the side whose time is behind goes next, the left one where both
/// are equally far, so whoever folds them again, whenever, takes the same path. Its time is the lesser of the two: neither side holds a row below its own.
/// Saved form: a version byte, versions and times of both sides, the time, and what the stream itself keeps.
/// </summary>
public abstract class JoinedState : IStreamState
{
    private const byte Format = 1;
    private readonly long[] _versions = [-1, -1];
    private readonly long[] _times = [Frontier.None, Frontier.None];

    /// <summary>Reads what <see cref="Save()"/> wrote before the stream's own part.</summary>
    private protected ByteReader Restore(ReadOnlySpan<byte> saved)
    {
        var reader = new ByteReader(saved);
        if (saved.IsEmpty)
            return reader;
        if (reader.Byte() is var format and not Format)
            throw reader.Fault($"state of a join has version {format}; this program reads version {Format}");
        for (var side = 0; side < 2; side++)
            (_versions[side], _times[side]) = (reader.Zigzag(), reader.Zigzag());
        HasBegun = true;
        FrontierMs = reader.Byte() == 0 ? null : reader.Zigzag();
        return reader;
    }

    /// <summary>Whether it is known where it begins.</summary>
    public bool HasBegun { get; private set; }

    /// <inheritdoc/>
    public long? FrontierMs { get; private set; }

    /// <inheritdoc/>
    public abstract long Entries { get; }

    /// <summary>The side whose next commit is to be taken: 0 left, 1 right.</summary>
    public int Next => _times[0] <= _times[1] ? 0 : 1;

    /// <summary>Version of a side's table that has been taken; −1 = none.</summary>
    public long Version(int side) => _versions[side];

    /// <summary>Place on the path: it grows with every commit that is taken.</summary>
    public long Place => _versions[0] + _versions[1] + 1;

    /// <summary>Begins here, before anything is taken.</summary>
    internal void Begin(JoinStart start)
    {
        for (var side = 0; side < 2; side++)
            (_versions[side], _times[side]) = (start[side].Version, start[side].TimeMs ?? Frontier.None);
        HasBegun = true;
        Move([]);
    }

    /// <summary>Takes the next commit of a side: its rows, then time moves to what both sides have reached.</summary>
    /// <param name="side">0 left, 1 right.</param>
    /// <param name="commit">The commit; where it says no time, the side stays where it is.</param>
    /// <param name="output">Where rows go.</param>
    public void Take(int side, CommittedRows commit, ICollection<RowBatch> output)
    {
        if (commit.Rows.Count > 0)
            Add(side, commit.Rows, output);
        _versions[side] = commit.Version;
        _times[side] = Math.Max(_times[side], commit.TimeMs ?? Frontier.None);
        Move(output);
    }

    private void Move(ICollection<RowBatch> output)
    {
        if (Time(_times[0], _times[1]) is var time and > Frontier.None)
            Advance(time, output);
    }

    /// <inheritdoc/>
    public void Advance(long frontierMs, ICollection<RowBatch> output)
    {
        if (frontierMs <= FrontierMs)
            return;
        FrontierMs = frontierMs;
        Moved(frontierMs, output);
    }

    /// <inheritdoc/>
    public void Add(RowBatch rows, ICollection<RowBatch> output) => throw new NotSupportedException("A join takes commits of two tables.");

    /// <inheritdoc/>
    public byte[] Save()
    {
        var to = new ByteWriter();
        to.Byte(Format);
        for (var side = 0; side < 2; side++)
        {
            to.Zigzag(_versions[side]);
            to.Zigzag(_times[side]);
        }

        to.Byte(FrontierMs is null ? (byte)0 : (byte)1);
        if (FrontierMs is { } frontier)
            to.Zigzag(frontier);
        Save(to);
        return to.ToArray();
    }

    /// <summary>Takes rows of a side.</summary>
    protected abstract void Add(int side, RowBatch rows, ICollection<RowBatch> output);

    /// <summary>Time has moved.</summary>
    protected abstract void Moved(long frontierMs, ICollection<RowBatch> output);

    private protected abstract void Save(ByteWriter to);

    /// <summary>The time of both, from those of the sides.</summary>
    private protected virtual long Time(long left, long right) => Math.Min(left, right);
}

/// <summary>The rows of a join of two topics.</summary>
internal sealed class JoinedRows : JoinedState
{
    private readonly TopicJoinPlan _plan;
    private readonly ulong _fingerprint;
    private readonly StreamExecution _execution;

    public JoinedRows(TopicJoinPlan plan, StreamDefinition definition, ulong fingerprint, ReadOnlySpan<byte> saved)
    {
        (_plan, _fingerprint) = (plan, fingerprint);
        var reader = Restore(saved);
        if (saved.IsEmpty)
        {
            _execution = new StreamExecution(definition);
            return;
        }

        if (reader.UInt64() != fingerprint)
            throw reader.Fault($"state of join '{plan.Join.Name}' is of another definition of it; give the pipeline a new version");
        _execution = StreamExecution.Load(definition, reader.Take(reader.Left));
    }

    public override long Entries => _execution.Entries;

    protected override void Add(int side, RowBatch rows, ICollection<RowBatch> output)
    {
        var (view, schema) = _plan.Sides[side];
        var seen = _plan.Seen(side, rows);
        _execution.Take(view.Name, new RowBatch(schema, [.. schema.Fields.Select(f => seen[f.Name])], seen.Count));
        Collect(output);
    }

    protected override void Moved(long frontierMs, ICollection<RowBatch> output)
    {
        _execution.MoveTo((frontierMs - _plan.DelayMs) * 1000);
        Collect(output);
    }

    private protected override void Save(ByteWriter to)
    {
        to.UInt64(_fingerprint);
        to.Bytes(_execution.Save());
    }

    private void Collect(ICollection<RowBatch> output)
    {
        if (_execution.TakeResults() is { Count: > 0 } rows)
            output.Add(rows);
    }
}

/// <summary>The rows of either side that a join takes no more, since its watermark had passed their time.</summary>
internal sealed class JoinedLate : JoinedState
{
    private readonly TopicJoinPlan _plan;
    private readonly ulong _fingerprint;

    public JoinedLate(TopicJoinPlan plan, ulong fingerprint, ReadOnlySpan<byte> saved)
    {
        (_plan, _fingerprint) = (plan, fingerprint);
        var reader = Restore(saved);
        if (!saved.IsEmpty && reader.UInt64() != fingerprint)
            throw reader.Fault($"state of join '{plan.Join.Name}' is of another definition of it; give the pipeline a new version");
    }

    public override long Entries => 0;

    protected override void Add(int side, RowBatch rows, ICollection<RowBatch> output)
    {
        if (FrontierMs is not { } frontier)
            return;
        var watermark = (frontier - _plan.DelayMs) * 1000;
        var seen = _plan.Seen(side, rows);
        var times = (Int64Column)seen["event_time"];
        var late = RowBatches.Where(seen, row => times.Values[row] <= watermark);
        if (late.Count == 0)
            return;
        var added = new RowsBuilder(new RowSchema([.. _plan.LateSchema.Fields.Take(3)]));
        var at = (Int64Column)late["event_time"];
        for (var row = 0; row < late.Count; row++)
            added.Add(side == 0 ? "left" : "right", watermark, (watermark - at.Values[row]) / 1000);
        output.Add(new RowBatch(_plan.LateSchema, [.. added.Build().Columns, .. TopicJoinPlan.CopiedColumns.Select(name => late[name])], late.Count));
    }

    protected override void Moved(long frontierMs, ICollection<RowBatch> output)
    {
    }

    private protected override void Save(ByteWriter to) => to.UInt64(_fingerprint);
}
