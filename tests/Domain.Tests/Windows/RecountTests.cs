using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Windows;

/// <summary>A query counted from events gives what folding the partials gives that ingest made of them.</summary>
public class RecountTests
{
    [Theory]
    [MemberData(nameof(WindowStreamTests.Seeds), 60, MemberType = typeof(WindowStreamTests))]
    public void Batches_under_their_frontiers_give_the_rows_of_their_partials(int seed)
    {
        var run = new StreamRun(seed);
        var states = run.Fold(seed);
        foreach (var query in run.Queries)
        {
            var recount = run.Pipeline.Recount(query.Name);
            foreach (var (rows, frontier) in run.Silver)
                recount.Add(rows, frontier - recount.Query.DelayMs);
            Assert.Equal(Lines(run.Pipeline.Emit(query.Name, states, null, long.MaxValue)), Lines(recount.Emit(null, long.MaxValue)));
        }
    }

    [Theory]
    [MemberData(nameof(WindowStreamTests.Seeds), 60, MemberType = typeof(WindowStreamTests))]
    public void The_table_of_events_and_that_of_late_ones_are_enough(int seed)
    {
        var run = new StreamRun(seed);
        var states = run.Fold(seed);
        var late = run.Late.SelectMany(LateEvent.Of).ToList();
        foreach (var query in run.Queries)
        {
            var recount = run.Pipeline.Recount(query.Name);
            foreach (var (rows, _) in run.Silver.OrderBy(batch => (batch.Rows.Count * 31) % 7))
                EventState.Add(recount, rows, EventState.Late(recount, late));
            Assert.Equal(Lines(run.Pipeline.Emit(query.Name, states, null, long.MaxValue)), Lines(recount.Emit(null, long.MaxValue)));
        }
    }

    [Theory]
    [MemberData(nameof(WindowStreamTests.Seeds), 40, MemberType = typeof(WindowStreamTests))]
    public void State_of_another_definition_is_kept_and_counts_in_nothing(int seed)
    {
        var run = new StreamRun(seed);
        var states = run.Fold(seed);
        // The first query with another condition, the second gone.
        var changed = run.Queries[0] with { Where = run.Queries[0].Where & Tidemark.Domain.Queries.Field.Named("event_type").Is("none such") };
        var other = new EventPipeline(new EventOptions("shop") { EarliestEventTime = DateTime.UnixEpoch, DeduplicateWithin = TimeSpan.Zero }, [changed, .. run.Queries.Skip(2)], run.EntitySpan);
        foreach (var (key, state) in states)
        {
            if (other.Queries.All(q => q.Bundle != key.Bundle))
                continue;
            var passed = other.Load(key, state.Save());
            // A condition on its rows may leave out all that there is state of.
            if (Lines(run.Pipeline.Emit(run.Queries[0].Name, new Dictionary<EntityKey, IFoldState> { [key] = state }, null, long.MaxValue)).Count > 0)
                Assert.Contains(changed.Name, passed.Foreign);
            Assert.Empty(Lines(other.Emit(changed.Name, new Dictionary<EntityKey, IFoldState> { [key] = passed }, null, long.MaxValue)));
            Assert.Equal(state.Save(), run.Pipeline.Load(key, passed.Save()).Save());
        }
    }

    private static List<string> Lines(RowBatch rows) => [.. Enumerable.Range(0, rows.Count).Select(row => string.Join("|", Enumerable.Range(0, rows.Columns.Count).Select(c => rows.Text(row, c) ?? "null")))];
}
