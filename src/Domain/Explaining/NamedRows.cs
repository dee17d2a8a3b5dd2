using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Explaining;

/// <summary>Rows of streams by the events that stand in them.</summary>
public static class NamedRows
{
    /// <summary>Rows in which an id stands: alone, or in a list. Reads the tables as a whole.</summary>
    public static async Task<IReadOnlyList<NamedRow>> FindAsync(ILake lake, IEnumerable<StreamSpec> streams, string eventId, CancellationToken cancel)
    {
        var named = new List<NamedRow>();
        // In lists; rows of earlier programs have letters beyond ASCII escaped.
        string[] quoted = [JsonSerializer.Serialize(eventId, StoredJson.Serializer), JsonSerializer.Serialize(eventId)];
        foreach (var stream in streams)
        {
            var texts = Texts(stream.Schema);
            if (texts.Count == 0)
                continue;
            await foreach (var rows in lake.ReadRowsAsync(TableNames.Gold(stream.Name), [.. stream.Schema.Fields.Select(f => f.Name)], [], cancel))
                for (var row = 0; row < rows.Count; row++)
                    if (texts.Any(c => rows.Text(row, c) is { } text && (text == eventId || quoted.Any(id => text.Contains(id, StringComparison.Ordinal)))))
                        named.Add(new NamedRow(stream, RowBatches.Take(rows, [row]), []));
        }

        return named;
    }

    /// <summary>Adds to rows of joins of two topics which records of both made them: those whose ids stand in the row.</summary>
    public static async Task<IReadOnlyList<NamedRow>> WithOriginsAsync(ILake lake, IReadOnlyList<NamedRow> joined, CancellationToken cancel)
    {
        var wanted = joined.SelectMany(row => Ids(row.Row)).ToHashSet(StringComparer.Ordinal);
        var origins = new List<RowOrigin>();
        foreach (var table in joined.SelectMany(row => new[] { row.Stream.Joined!.Left.Table, row.Stream.Joined.Right.Table }).Distinct())
            await foreach (var rows in lake.ReadRowsAsync(table, ["event_id", "kafka_partition", "kafka_offset"], [], cancel))
                for (var row = 0; row < rows.Count; row++)
                    if (rows.Text(row, 0) is { } id && wanted.Contains(id))
                        origins.Add(new RowOrigin(table, id, ((Int32Column)rows["kafka_partition"]).Values[row], ((Int64Column)rows["kafka_offset"]).Values[row]));
        return [.. joined.Select(row => row with { Origins = [.. origins.Where(o => IsOf(row, o))] })];
    }

    // An event of one topic may have the id of another's. Column view_id or purchase_id says which side it is of; the left one is named first.
    private static bool IsOf(NamedRow row, RowOrigin origin)
    {
        var keys = row.Stream.Keys;
        var side = origin.Table == row.Stream.Joined!.Left.Table ? 0 : 1;
        return side < keys.Count && row.Row.Schema.IndexOf(keys[side]) is var column && row.Row.Text(0, column) == origin.EventId;
    }

    private static IEnumerable<string> Ids(RowBatch row) => Texts(row.Schema).Select(c => row.Text(0, c)).OfType<string>();

    private static List<int> Texts(RowSchema schema) => [.. Enumerable.Range(0, schema.Fields.Count).Where(c => schema.Fields[c].Type == FieldType.String)];
}

/// <summary>A row of a stream.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Row">The row.</param>
/// <param name="Origins">Of a join of two topics the records that made it, as far as that was asked for.</param>
public sealed record NamedRow(StreamSpec Stream, RowBatch Row, IReadOnlyList<RowOrigin> Origins);

/// <summary>A record that made a row.</summary>
/// <param name="Table">The table of its events.</param>
/// <param name="EventId">Its id.</param>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
public sealed record RowOrigin(string Table, string EventId, int Partition, long Offset);
