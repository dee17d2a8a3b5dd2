using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Streams;

/// <summary>Binds the streams of a pipeline to what they read: a base table, a query, or a stream before them.</summary>
internal static class EventStreams
{
    public static IReadOnlyList<EventStreamPlan> Bind(IReadOnlyList<EventStream> streams, IReadOnlyList<TableSpec> tables, IReadOnlyList<QuerySpec> queries)
    {
        var bound = new List<EventStreamPlan>();
        foreach (var stream in streams)
        {
            if (queries.Any(q => q.Name == stream.Name) || bound.Any(b => b.Stream.Name == stream.Name))
                throw new StreamException(stream.Name, "another query or stream has the same name, and so the same table; rename one");
            bound.Add(Bind(stream, tables, queries, bound));
        }

        return bound;
    }

    private static EventStreamPlan Bind(EventStream stream, IReadOnlyList<TableSpec> tables, IReadOnlyList<QuerySpec> queries, List<EventStreamPlan> before)
    {
        if (tables.FirstOrDefault(t => t.Name == stream.Source) is { } table)
            return new EventStreamPlan(stream, table.Schema);
        if (queries.FirstOrDefault(q => $"gold/{q.Name}" == stream.Source) is { } query)
            return stream.EventTime == EventStreamPlan.WindowTime
                ? new EventStreamPlan(stream, query.Schema)
                : throw new StreamException(stream.Name, $"its source holds windows, so its event time is {EventStreamPlan.WindowTime}, not '{stream.EventTime}'; correct it");
        if (before.FirstOrDefault(b => $"gold/{b.Stream.Name}" == stream.Source) is { } other)
            return new EventStreamPlan(stream, other.Spec.Schema);
        throw new StreamException(stream.Name, $"its source '{stream.Source}' is neither a table of the pipeline nor gold/ and a query or a stream before it; correct the name");
    }
}
