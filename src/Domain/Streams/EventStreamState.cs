using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Streams;

/// <summary>A stream of a pipeline at work. The saved form is a version byte, the definition's fingerprint, the frontier, and the state of all stages.</summary>
internal sealed class EventStreamState : IStreamState
{
    private const byte Version = 1;
    private readonly EventStreamPlan _plan;
    private readonly StreamExecution _execution;
    private readonly ulong _fingerprint;
    private readonly RowSelector?[] _selectors;
    private byte[] _mask = [];
    private int[] _which = [];

    public EventStreamState(EventStreamPlan plan, StreamDefinition definition, ulong fingerprint, ReadOnlySpan<byte> saved)
    {
        (_plan, _fingerprint) = (plan, fingerprint);
        if (saved.IsEmpty)
        {
            _execution = new StreamExecution(definition);
            _selectors = Selectors(plan, _execution);
            return;
        }

        var reader = new ByteReader(saved);
        if (reader.Byte() is var version and not Version)
            throw reader.Fault($"state of stream '{plan.Stream.Name}' has version {version}; this program reads version {Version}");
        if (reader.UInt64() != fingerprint)
            throw reader.Fault($"state of stream '{plan.Stream.Name}' is of another definition of it; give the pipeline a new version");
        FrontierMs = reader.Byte() == 0 ? null : reader.Zigzag();
        _execution = StreamExecution.Load(definition, reader.Take(reader.Left));
        _selectors = Selectors(plan, _execution);
    }

    public long? FrontierMs { get; private set; }

    public long Entries => _execution.Entries;

    public void Advance(long frontierMs, ICollection<RowBatch> output)
    {
        if (frontierMs <= FrontierMs)
            return;
        FrontierMs = frontierMs;
        _execution.MoveTo(_plan.WatermarkMs(frontierMs) * 1000);
        Collect(output);
    }

    public void Add(RowBatch rows, ICollection<RowBatch> output)
    {
        rows = _plan.WithTime(rows);
        if (!_plan.FollowsWindows)
        {
            Take(rows);
            Collect(output);
            return;
        }

        // Rows come by window end: when those of one end come, every window that ends earlier has come.
        var times = (Int64Column)rows[EventStreamPlan.WindowTime];
        for (int from = 0, to; from < rows.Count; from = to)
        {
            for (to = from + 1; to < rows.Count && times.Values[to] == times.Values[from];)
                to++;
            Advance((times.Values[from] + 1) / 1000 - 1, output);
            Take(from == 0 && to == rows.Count ? rows : RowBatches.Take(rows, Enumerable.Range(from, to - from).ToArray()));
            Collect(output);
        }
    }

    public byte[] Save()
    {
        var to = new ByteWriter();
        to.Byte(Version);
        to.UInt64(_fingerprint);
        to.Byte(FrontierMs is null ? (byte)0 : (byte)1);
        if (FrontierMs is { } frontier)
            to.Zigzag(frontier);
        to.Bytes(_execution.Save());
        return to.ToArray();
    }

    private void Take(RowBatch rows)
    {
        if (_mask.Length < rows.Count)
            (_mask, _which) = (new byte[rows.Count * 5 / 4], new int[(rows.Count * 5 / 4) + 1]);
        for (var i = 0; i < _selectors.Length; i++)
        {
            var (view, schema) = _plan.Views[i];
            RowMask.Fill(view.Where, rows, _mask);
            var count = 0;
            for (var row = 0; row < rows.Count; row++)
            {
                _which[count] = row;
                count += _mask[row];
            }

            var which = _which.AsSpan(0, count);
            var seen = new RowBatch(schema, [.. schema.Fields.Select(f => rows[f.Name])], rows.Count);
            _execution.Take(view.Name, _selectors[i] is { } selector ? selector.Take(seen, which) : count == rows.Count ? seen : RowBatches.Take(seen, which));
        }
    }

    /// <summary>What takes the rows of each view into memory that serves the next batch again; null where results may still be in it.</summary>
    private static RowSelector?[] Selectors(EventStreamPlan plan, StreamExecution execution) =>
        [.. plan.Views.Select(v => execution.SharesRows(v.View.Name) ? null : new RowSelector())];

    private void Collect(ICollection<RowBatch> output)
    {
        if (_execution.TakeResults() is { Count: > 0 } rows)
            output.Add(rows);
    }
}
