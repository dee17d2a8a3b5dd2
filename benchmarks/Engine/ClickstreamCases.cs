using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Bench.Engine;

/// <summary>The streams of the clickstream pipeline over silver rows that are decoded already, as a tick folds the ranges of one partition.</summary>
internal sealed class ClickstreamCases
{
    private readonly EventPipeline _pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
    private readonly List<(long FrontierMs, RowBatch Rows)> _ranges = [];

    /// <param name="records">Records in offset order.</param>
    /// <param name="batch">Records in a range.</param>
    public ClickstreamCases(SourceRecord[] records, int batch)
    {
        var newest = long.MinValue;
        foreach (var part in records.Chunks(batch))
        {
            var decoded = _pipeline.Decode(0, part, 0);
            if (decoded.MaxEventTimeMs is not { } time || !_pipeline.Build(decoded, long.MinValue).Rows.TryGetValue("silver/events", out var rows))
                continue;
            // A range is committed under the frontier that the ranges before it made.
            _ranges.Add((newest == long.MinValue ? time : newest, rows));
            newest = Math.Max(newest, time);
        }
        Measured = _ranges.Skip(_ranges.Count / 2).Sum(r => r.Rows.Count);
    }

    /// <summary>Streams over silver.</summary>
    public IEnumerable<string> Names => _pipeline.Streams.Where(s => !s.IsChained).Select(s => s.Name);

    /// <summary>Events of a measured round: the second half.</summary>
    public int Measured { get; }

    /// <summary>Streams that have seen the first half of the events.</summary>
    public Fold Begin(params string[] names)
    {
        var fold = new Fold([.. names.Select(n => _pipeline.OpenStream(n, []))]);
        fold.Run(_ranges[..(_ranges.Count / 2)]);
        return fold;
    }

    /// <summary>The second half.</summary>
    public void Run(Fold fold) => fold.Run(_ranges[(_ranges.Count / 2)..]);

    /// <summary>The chained stream behind sessions, over the sessions of the first half; the second half of them when measured.</summary>
    public (IStreamState State, List<RowBatch> Rows) BeginBehind(string source, string name)
    {
        var sessions = new Fold([_pipeline.OpenStream(source, [])]);
        sessions.Run(_ranges);
        var half = sessions.Output.Count / 2;
        var state = _pipeline.OpenStream(name, []);
        var output = new List<RowBatch>();
        foreach (var rows in sessions.Output.Take(half))
            state.Add(rows, output);
        return (state, sessions.Output[half..]);
    }

    internal sealed class Fold(IReadOnlyList<IStreamState> states)
    {
        public List<RowBatch> Output { get; } = [];

        public IReadOnlyList<IStreamState> States => states;

        public void Run(List<(long FrontierMs, RowBatch Rows)> ranges)
        {
            foreach (var (frontier, rows) in ranges)
                foreach (var state in states)
                {
                    state.Advance(frontier, Output);
                    state.Add(rows, Output);
                }
        }
    }
}
