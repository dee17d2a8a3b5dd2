using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Groups;
using Tidemark.Domain.Joins;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Sessions;
using Tidemark.Domain.Windows;

namespace Tidemark.Domain.Streams;

/// <summary>
/// Runs a stream batch by batch in memory: rows of a batch are judged by the watermark before it, then the watermark moves and stages close and forget, each
/// before the ones behind it. Between two batches the whole can be saved and loaded. Deterministic; not thread-safe.
/// </summary>
public sealed class StreamExecution
{
    private readonly StreamDefinition stream;
    private readonly Dictionary<string, StreamOperator> operators = [];
    private readonly Dictionary<string, List<(StreamOperator To, int Port, Action<RowBatch> Emit)>> readers = [];
    private readonly Dictionary<string, Action<RowBatch>> emits = [];
    private readonly Dictionary<string, Source> sources = [];
    private readonly Dictionary<string, long> newest = [];
    private readonly List<RowBatch> results = [];
    private long watermark = long.MinValue;

    private sealed record Source(RowSchema Schema, string? EventTime, bool HasWatermark, TimeSpan Delay);

    /// <summary>Checks and builds; throws <see cref="StreamException"/> or <see cref="Queries.QueryException"/> naming stage, field and remedy.</summary>
    public StreamExecution(StreamDefinition stream)
    {
        this.stream = stream;
        StreamCheck.Check(stream);
        foreach (var input in stream.Inputs)
            sources[input.Name] = new Source(input.Schema, input.EventTime, input.Delay is not null, input.Delay ?? TimeSpan.Zero);
        foreach (var stage in stream.Stages)
        {
            var from = stage.From.Select(f => sources[f]).ToArray();
            var created = Bound(stage, from);
            operators[stage.Id] = created;
            emits[stage.Id] = rows => Send(stage.Id, rows);
            sources[stage.Id] = new Source(created.Output, created.EventTime, from.Any(f => f.HasWatermark), from.Max(f => f.Delay));
            for (var port = 0; port < stage.From.Count; port++)
                (readers.TryGetValue(stage.From[port], out var list) ? list : readers[stage.From[port]] = []).Add((created, port, emits[stage.Id]));
        }
    }

    /// <summary>Columns of the result.</summary>
    public RowSchema Output => operators[stream.Stages[^1].Id].Output;

    /// <summary>Global watermark, µs; null before every input (or one, by policy) has spoken.</summary>
    public long? Watermark => watermark == long.MinValue ? null : watermark;

    /// <summary>Takes rows that arrive together, by input.</summary>
    /// <param name="inputs">Rows; inputs without rows may be missing.</param>
    /// <param name="nowMs">Processing time.</param>
    /// <param name="moveWithIt">Whether the watermark that these rows make moves at once; otherwise only what earlier rows made does, now.</param>
    public void Add(IReadOnlyDictionary<string, RowBatch> inputs, long nowMs, bool moveWithIt = true)
    {
        foreach (var state in operators.Values.OfType<KeyedStateOperator>())
            state.At(nowMs);
        foreach (var input in stream.Inputs)
            if (inputs.TryGetValue(input.Name, out var rows))
                Send(input.Name, rows);
        if (moveWithIt)
            Observe(inputs);
        Advance(nowMs);
        if (!moveWithIt)
            Observe(inputs);
    }

    /// <summary>Takes rows of one input. Time stands still.</summary>
    public void Take(string input, RowBatch rows) => Send(input, rows);

    /// <summary>Whether results may be in the memory of rows of this input: then they must stay as they are until results are done with.</summary>
    public bool SharesRows(string input) =>
        readers.TryGetValue(input, out var list) && list.Any(r => r.To.SharesRows && (r.To == operators[stream.Stages[^1].Id] || SharesRows(NameOf(r.To))));

    /// <summary>Moves the watermark (µs), never back: what is due comes out. Only for streams whose watermark is kept outside.</summary>
    public void MoveTo(long toWatermark)
    {
        if (toWatermark <= watermark)
            return;
        watermark = toWatermark;
        Advance(0);
    }

    /// <summary>Entries that all stages hold.</summary>
    public long Entries => operators.Values.Sum(o => o.StateRows);

    /// <summary>Bounded input has ended: everything closes.</summary>
    public void End()
    {
        watermark = long.MaxValue;
        Advance(0);
    }

    /// <summary>Rows that came out since the last call.</summary>
    public RowBatch TakeResults()
    {
        var taken = results.Count == 0 ? RowBatches.Empty(Output) : RowBatches.Concat(Output, [.. results]);
        results.Clear();
        return taken;
    }

    /// <summary>The whole result in complete mode.</summary>
    public RowBatch Table()
    {
        for (var i = stream.Stages.Count - 1; i >= 0; i--)
            if (operators[stream.Stages[i].Id].Table() is { } table)
                return stream.Stages.Skip(i + 1).OfType<OrderStage>().Aggregate(table, Sorted);
        throw new InvalidOperationException("The stream has no aggregation, so there is no table of its result.");
    }

    /// <summary>Watermark that a stage works with, µs.</summary>
    public long StageWatermark(string stage) => operators[stage].Watermark;

    /// <summary>Entries that a stage holds.</summary>
    public long StateRows(string stage) => operators[stage].StateRows;

    /// <summary>Rows that a join holds on its left and right side.</summary>
    public (long Left, long Right) HeldBy(string join) => operators[join] is JoinOperator held ? (held.Held(0), held.Held(1)) : (0, 0);

    /// <summary>What happened in a stage since the last call.</summary>
    public OperatorCounts TakeCounts(string stage)
    {
        var counts = operators[stage].Counts;
        operators[stage].Counts = new OperatorCounts();
        return counts;
    }

    /// <summary>State of all stages and the watermark. Newest event times per input are not in it: after loading, the watermark waits for every input again.</summary>
    public byte[] Save()
    {
        var to = new ByteWriter();
        to.Zigzag(watermark);
        foreach (var stage in stream.Stages)
        {
            var state = new ByteWriter();
            state.Zigzag(operators[stage.Id].Watermark);
            operators[stage.Id].Save(state);
            to.Sized(state.Written);
        }
        return to.ToArray();
    }

    /// <summary>An execution of the same definition from saved state; throws <see cref="InvalidDataException"/> when it is unreadable.</summary>
    public static StreamExecution Load(StreamDefinition stream, ReadOnlySpan<byte> saved)
    {
        var execution = new StreamExecution(stream);
        var reader = new ByteReader(saved);
        execution.watermark = reader.Zigzag();
        foreach (var stage in stream.Stages)
        {
            var state = new ByteReader(reader.Sized());
            execution.operators[stage.Id].Load(ref state, state.Zigzag());
            state.End();
        }
        reader.End();
        return execution;
    }

    private void Send(string from, RowBatch rows)
    {
        if (from == stream.Stages[^1].Id && rows.Count > 0)
            results.Add(rows);
        if (rows.Count > 0 && readers.TryGetValue(from, out var list))
            foreach (var (to, port, emit) in list)
                to.Add(port, rows, emit);
    }

    private string NameOf(StreamOperator wanted) => operators.First(o => ReferenceEquals(o.Value, wanted)).Key;

    private void Observe(IReadOnlyDictionary<string, RowBatch> inputs)
    {
        foreach (var input in stream.Inputs.Where(i => i is { EventTime: not null, Delay: not null }))
        {
            if (!inputs.TryGetValue(input.Name, out var rows))
                continue;
            var times = (Int64Column)rows[input.EventTime!];
            for (var row = 0; row < rows.Count; row++)
                if (!times.IsNull(row))
                    newest[input.Name] = Math.Max(newest.GetValueOrDefault(input.Name, long.MinValue), times.Values[row]);
        }
        var marks = stream.Inputs.Where(i => i is { EventTime: not null, Delay: not null })
            .Select(i => newest.TryGetValue(i.Name, out var time) ? time - i.Delay!.Value.Ticks / 10 : long.MinValue).ToArray();
        if (marks.Length > 0)
            watermark = Math.Max(watermark, stream.Policy == WatermarkPolicy.Min ? marks.Min() : marks.Max());
    }

    private void Advance(long nowMs)
    {
        foreach (var stage in stream.Stages)
        {
            var mark = stage.From.Min(f => operators.TryGetValue(f, out var above) ? above.OutputWatermark : watermark);
            operators[stage.Id].Advance(mark, nowMs, emits[stage.Id]);
        }
    }

    private StreamOperator Bound(Stage stage, Source[] from)
    {
        try
        {
            foreach (var aggregate in stage switch { GroupStage g => g.Aggregates, SessionStage s => s.Aggregates, _ => [] })
                QueryCheck.CheckStageAggregate(stage.Id, from[0].Schema, aggregate);
            return Create(stage, from);
        }
        catch (KeyNotFoundException missing)
        {
            throw new StreamException(stage.Id, $"it reads a column that is not there; correct the name ({missing.Message.TrimEnd('.')})");
        }
    }

    private StreamOperator Create(Stage stage, Source[] from)
    {
        var source = from[0].Schema;
        var mode = stream.Bounded ? StreamMode.Append : stream.Mode;
        var watermarked = from[0].HasWatermark ? from[0].EventTime : null;
        return stage switch
        {
            WindowStage window => new WindowOperator(window, source, mode),
            SessionStage session => new SessionOperator(session, source, mode),
            GroupStage group => new GroupOperator(group, source, from[0].EventTime is { } time ? source.IndexOf(time) : null, mode),
            AssignWindowStage assign => new AssignWindowOperator(source, source.IndexOf(assign.On), GridOf(assign)),
            AssignSessionStage assign => new AssignSessionOperator(source, source.IndexOf(assign.On), (assign.Gap ?? TimeSpan.Zero).Ticks / 10,
                assign.GapField is { } field ? source.IndexOf(field) : null),
            DeduplicateStage deduplicate => new DeduplicateOperator(deduplicate, source, watermarked, from[0].Delay.Ticks / 10),
            JoinStage join => new JoinOperator(join, source, from[1].Schema, from[0].EventTime, from[1].EventTime, from[0].HasWatermark, from[1].HasWatermark),
            TableJoinStage table => new TableJoinOperator(table, source, TableOf(table), from[0].EventTime),
            UnionStage => new UnionOperator(stage.Id, [.. from.Select(f => f.Schema)], from[0].EventTime),
            MapStage map => new MapOperator(map),
            OrderStage => new PassOperator(source, from[0].EventTime),
            KeyedStateStage state => new KeyedStateOperator(state, source, watermarked),
            _ => throw new StreamException(stage.Id, $"a {stage.GetType().Name} is not known"),
        };
    }

    private RowBatch TableOf(TableJoinStage stage) => stream.Tables.TryGetValue(stage.Table, out var table) ? table
        : throw new StreamException(stage.Id, $"there is no table '{stage.Table}'; give it to the stream or correct the name");

    private static SliceGrid GridOf(AssignWindowStage stage) =>
        new(stage.Window.Size.Ticks / TimeSpan.TicksPerMillisecond, stage.Window.Slide.Ticks / TimeSpan.TicksPerMillisecond, stage.Window.Offset.Ticks / TimeSpan.TicksPerMillisecond);

    private static RowBatch Sorted(RowBatch rows, OrderStage stage)
    {
        var order = Enumerable.Range(0, rows.Count).ToList();
        var by = stage.By.Select(b => (Keys: Enumerable.Range(0, rows.Count).Select(row => KeyOf(rows, row, rows.Schema.IndexOf(b.Field))).ToArray(), b.Descending)).ToArray();
        order.Sort((a, b) =>
        {
            foreach (var (keys, descending) in by)
                if (keys[a].AsSpan().SequenceCompareTo(keys[b]) is var compared and not 0)
                    return descending ? -compared : compared;
            return a.CompareTo(b);
        });
        var output = new RowsBuilder(rows.Schema);
        foreach (var row in order)
            output.Copy(0, rows, row);
        return output.Build();
    }

    private static byte[] KeyOf(RowBatch rows, int row, int column)
    {
        var key = new ByteWriter();
        OrderedKey.Append(key, rows.Columns[column], row);
        return key.ToArray();
    }
}
