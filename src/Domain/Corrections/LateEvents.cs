using System.Runtime.CompilerServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Corrections;

/// <summary>A row of the table of late events: an event and a query, some of whose windows were closed when it came.</summary>
/// <param name="Query">The query or stream.</param>
/// <param name="Partition">Partition of the event.</param>
/// <param name="Offset">Offset of the event.</param>
/// <param name="LastMissedEndMs">End of the last window that it missed.</param>
/// <param name="Missed">How many windows it missed: this one and those before it.</param>
/// <param name="Counted">In how many it counted.</param>
/// <param name="FrontierMs">Frontier that it was judged by.</param>
/// <param name="EventTimeMs">Its time.</param>
/// <param name="EventId">Its id.</param>
/// <param name="EventType">Its type.</param>
/// <param name="UserId">Its user.</param>
/// <param name="Fields">Of a record of another schema what it must have, by name; null = it is an event of the shop.</param>
public sealed record LateEvent(
    string Query, int Partition, long Offset, long LastMissedEndMs, int Missed, int Counted, long FrontierMs, long EventTimeMs, string EventId, string EventType, string UserId,
    IReadOnlyList<KeyValuePair<string, string?>>? Fields = null)
{
    /// <summary>The columns that are read.</summary>
    public static IReadOnlyList<string> Columns { get; } =
        ["query", "window_end", "windows_missed", "windows_counted", "frontier", "event_time", "event_id", "event_type", "user_id", "kafka_partition", "kafka_offset"];

    /// <summary>Ends of the windows of a query that it missed.</summary>
    public IEnumerable<long> MissedEnds(QuerySpec query) => Enumerable.Range(0, Missed).Select(i => LastMissedEndMs - (i * query.SlideMs));

    /// <summary>All late rows of a pipeline with event time in [from, to) (ms; null = unbounded); those of another schema may have no id, type and user.</summary>
    public static async IAsyncEnumerable<LateEvent> ReadAsync(ILake lake, IPipeline pipeline, long? from, long? to, [EnumeratorCancellation] CancellationToken cancel)
    {
        var table = pipeline.Tables.First(t => t.Name == ((IRecounting)pipeline).LateTable);
        string[] names = [.. table.Schema.Fields.Select(f => f.Name)];
        string[] own = [.. Columns.Where(names.Contains)];
        string[] fields = own.Length == Columns.Count ? [] : [.. names.SkipWhile(name => name != "event_time").Skip(1).TakeWhile(name => name != "kafka_topic")];
        await foreach (var rows in lake.ReadRowsAsync(table.Name, [.. own, .. fields], from is null && to is null ? [] : [new ColumnBounds("event_time", from * 1000, to * 1000)], cancel))
            for (var row = 0; row < rows.Count; row++)
                if (Read(rows, row) is var late && !(late.EventTimeMs < from) && !(late.EventTimeMs >= to))
                    yield return fields.Length == 0 ? late : late with { Fields = [.. fields.Select(name => KeyValuePair.Create(name, rows.Text(row, rows.Schema.IndexOf(name))))] };
    }

    /// <summary>The rows of a batch with at least <see cref="Columns"/>.</summary>
    public static IEnumerable<LateEvent> Of(RowBatch rows)
    {
        for (var row = 0; row < rows.Count; row++)
            yield return Read(rows, row);
    }

    private static LateEvent Read(RowBatch rows, int row)
    {
        return new LateEvent(
            Text("query"), Number("kafka_partition"), Long("kafka_offset"), Long("window_end") / 1000, Number("windows_missed"), Number("windows_counted"),
            Long("frontier") / 1000, Floor(Long("event_time")), Text("event_id"), Text("event_type"), Text("user_id"));

        // Another schema has no such column.
        string Text(string column) => rows.Schema.Fields.Any(f => f.Name == column) ? (string?)rows.Value(row, column) ?? "" : "";
        int Number(string column) => ((Int32Column)rows[column]).Values[row];
        static long Floor(long micros) => (micros - (micros < 0 ? 999 : 0)) / 1000;
        long Long(string column) => ((Int64Column)rows[column]).Values[row];
    }
}
