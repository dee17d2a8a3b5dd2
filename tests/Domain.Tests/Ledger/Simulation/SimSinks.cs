using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>What arrived at each sink, in order.</summary>
internal sealed class SimSinkData
{
    /// <summary>Name, table, and whether rows of open windows come too: a query that updates, one of final rows, streams of both kinds, a base table.</summary>
    public static readonly (string Name, string Table, bool Provisional)[] All =
    [
        ("tumbling-topic", "gold/tumbling", true), ("picky-topic", "gold/picky", false), ("visits-topic", "gold/visits", false), ("totals-topic", "gold/totals", false),
        ("dead-letters", "quarantine", false),
    ];

    public Dictionary<string, List<(ToyResult Row, bool Final)>> Arrived { get; } = All.ToDictionary(sink => sink.Name, _ => new List<(ToyResult, bool)>());
}

/// <summary>One actor's way to a sink: a few rows at a time, of which the first may arrive although the delivery fails.</summary>
internal sealed class SimSink(SimWorld world, SimActor actor, SimSinkData data, (string Name, string Table, bool Provisional) sink) : IRowSink
{
    public string Name => sink.Name;

    public string Table => sink.Table;

    public bool Provisional => sink.Provisional;

    public async Task DeliverAsync(RowBatch rows, bool final, CancellationToken cancel)
    {
        foreach (var group in Enumerable.Range(0, rows.Count).Chunk(3))
            await world.CallAsync(actor, $"deliver {Name} {(final ? "final" : "open")} {string.Join(" ", group.Select(row => ToyRows.Result(rows, row)))}", () =>
            {
                data.Arrived[Name].AddRange(group.Select(row => (ToyRows.Result(rows, row), final)));
                return true;
            });
    }
}

/// <summary>What must have arrived: every committed row at least once and nothing else; behind one tick, the final row of a window last.</summary>
internal static class SinkOracle
{
    public static IEnumerable<string> Compare(Simulation sim)
    {
        foreach (var (name, table, _) in SimSinkData.All)
        {
            var arrived = sim.Sinks.Arrived[name];
            var final = arrived.Where(r => r.Final).Select(r => r.Row).ToHashSet();
            var committed = sim.Lake.Table(table).SelectMany(c => c.Rows).SelectMany(rows => Enumerable.Range(0, rows.Count).Select(row => ToyRows.Result(rows, row))).ToHashSet();
            if (committed.Except(final).ToList() is { Count: > 0 } missing)
                yield return $"{name}: {missing.Count} rows of {table} never arrived, such as {missing[0]}";
            if (final.Except(committed).ToList() is { Count: > 0 } invented)
                yield return $"{name}: {invented.Count} rows arrived as final that {table} does not have, such as {invented[0]}";
            // Without competition; rows with start 0 have no window.
            if (sim.Scenario.Ticks == 1 && arrived.GroupBy(r => (r.Row.Start, r.Row.End, r.Row.Key)).FirstOrDefault(g => !g.Last().Final) is { } open)
                yield return $"{name}: {open.Last().Row} came behind the final row of its window";
        }

        foreach (var alert in sim.Alerts.Where(a => a.Name == "results-undelivered" && !a.Text.Contains(" failed", StringComparison.Ordinal) && !a.Text.Contains(" lost", StringComparison.Ordinal)))
            yield return $"alert without cause: {alert.Text}";
    }

    /// <summary>Sinks that do not have everything yet.</summary>
    public static IEnumerable<string> Behind(Simulation sim) =>
        from sink in SimSinkData.All
        let at = sim.Ledger.Cursors.TryGetValue("sink:" + sink.Name, out var cursor) ? cursor.Cursor.TableVersion : -1
        where at < sim.Lake.Table(sink.Table).FindLastIndex(commit => commit.Moves.Count > 0)
        select $"sink {sink.Name} at {at}";
}
