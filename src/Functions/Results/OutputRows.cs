using System.Globalization;
using System.Text;
using Azure;
using Azure.Data.Tables;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Results;

/// <summary>Which rows of an output are wanted.</summary>
/// <param name="Output">The query or stream.</param>
/// <param name="From">Earliest time of a row; null = any.</param>
/// <param name="To">Time that a row must be before; null = any.</param>
/// <param name="Keys">Values that a row must have.</param>
/// <param name="Limit">Rows at most.</param>
/// <param name="After">Key of the last row that the caller has; null = none.</param>
internal sealed record RowsWanted(IOutput Output, DateTimeOffset? From, DateTimeOffset? To, IReadOnlyList<KeyFilter> Keys, int Limit, string? After)
{
    /// <summary>Whether the row is one of them.</summary>
    public bool Has(TableEntity row)
    {
        if (Output.TimeColumn is { } column && (From is not null || To is not null))
        {
            var time = row.GetDateTimeOffset(column);
            if (time is null || time < From || time >= To)
                return false;
        }

        return Keys.All(key => Text(row.TryGetValue(key.Column, out var value) ? value : null) == key.Value);
    }

    /// <summary>A value as a caller writes it.</summary>
    private static string? Text(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}

/// <summary>Rows in the order of their keys, newest first where there is a time.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="After">Key to go on after; null = there are no more.</param>
internal sealed record RowsPage(IReadOnlyList<TableEntity> Rows, string? After);

/// <summary>
/// Reads the rows of outputs from Table storage. Bounds of time, and the value of an index or of leading keys, become bounds of the row key; other keys are
/// compared here. A page reads at most <see cref="MostReads"/> times a thousand rows, so one that finds little may be short, or empty, and still go on.
/// <para><b>Paging.</b> Rows come in the order of their keys, and a page begins behind the last key of the one before. So a row that is there throughout comes
/// exactly once, whatever is added meanwhile; newer ones sort before what was read and are not seen.</para>
/// </summary>
internal sealed class OutputRows(OutputBook book, ResultTables tables)
{
    public const int MostReads = 5;
    private const int PageSize = 1000;

    public async Task<RowsPage> ReadAsync(RowsWanted wanted, CancellationToken cancel)
    {
        var (table, from, to) = Range(wanted);
        // What is before the first digit is no row, such as a fence.
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {book.IdOf(wanted.Output).Key} and RowKey lt {to}") + " and "
            + (wanted.After is { } after && string.CompareOrdinal(after, from) >= 0 ? TableClient.CreateQueryFilter($"RowKey gt {after}") : TableClient.CreateQueryFilter($"RowKey ge {from}"));
        var found = new List<TableEntity>();
        // Where every row in range is wanted, no more are fetched than are given.
        var by = (wanted.Output as StreamSpec)?.IndexBy;
        var (reads, size) = (0, wanted.Keys.All(k => k.Column == by && k.Value is not null) ? Math.Min(wanted.Limit + 1, PageSize) : PageSize);
        string? last = null;
        try
        {
            await foreach (var page in tables.Service.GetTableClient(table).QueryAsync<TableEntity>(filter, size, cancellationToken: cancel).AsPages(pageSizeHint: size).WithCancellation(cancel))
            {
                foreach (var row in page.Values)
                {
                    if (row.RowKey == IResults.Fence)
                        continue;
                    if (wanted.Has(row))
                    {
                        if (found.Count == wanted.Limit)
                            return new RowsPage(found, found[^1].RowKey);
                        found.Add(row);
                    }

                    last = row.RowKey;
                }

                if (page.ContinuationToken is null)
                    return new RowsPage(found, null);
                // Whether there are more is not worth a request: the next page says it.
                if ((found.Count == wanted.Limit || ++reads == MostReads) && last is not null)
                    return new RowsPage(found, last);
            }
        }
        catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
        {
            // Before the first start there are no tables, and so no rows.
        }

        return new RowsPage(found, null);
    }

    /// <summary>The row with this key; null where there is none. One request.</summary>
    public async Task<TableEntity?> FindAsync(IOutput output, string key, CancellationToken cancel)
    {
        try
        {
            var row = await tables.Service.GetTableClient(ResultKeys.Table(output.Name)).GetEntityIfExistsAsync<TableEntity>(book.IdOf(output).Key, key, cancellationToken: cancel);
            return row.HasValue ? row.Value : null;
        }
        catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
        {
            return null;
        }
    }

    /// <summary>What the keys of the rows begin with in the index that they are found by; null where none finds them.</summary>
    internal static string? IndexPrefix(RowsWanted wanted) =>
        wanted.Output is StreamSpec { IndexBy: { } by } && wanted.Keys.FirstOrDefault(k => k.Column == by) is { Value: { } value } ? ResultKeys.IndexPrefix(value) : null;

    /// <summary>Table, first key and the key behind the last.</summary>
    internal static (string Table, string From, string To) Range(RowsWanted wanted)
    {
        var output = wanted.Output;
        var (table, prefix) = (ResultKeys.Table(output.Name), "");
        if (IndexPrefix(wanted) is { } indexed)
            (table, prefix) = (ResultKeys.IndexTable(output.Name, ((StreamSpec)output).IndexBy!), indexed);
        if (output.TimeColumn is null)
            return Keyed(wanted, table);
        // '}' is the character after '|', '!' and '"' come before every digit and letter.
        var from = prefix + (wanted.To is { } end ? ResultKeys.Window(end.ToUnixTimeMilliseconds()) : prefix.Length == 0 ? "0" : "");
        var to = wanted.From is { } start ? prefix + ResultKeys.Window(start.ToUnixTimeMilliseconds()) + "}" : prefix.Length == 0 ? ":" : prefix[..^1] + "}";
        return (table, from, to);
    }

    /// <summary>Rows that are named by their keys alone: those with the leading keys given, of which the last may be the whole key or be followed by more.</summary>
    private static (string Table, string From, string To) Keyed(RowsWanted wanted, string table)
    {
        var key = new StringBuilder();
        var output = wanted.Output;
        var whole = true;
        foreach (var name in output.Keys)
        {
            if (wanted.Keys.Where(k => k.Column == name).Select(k => k.Value).FirstOrDefault() is not { } value || Field(output, name).Type != FieldType.String)
            {
                whole = false;
                break;
            }

            key.Append(key.Length == 0 ? "" : "|").Append(TableKeys.Escape(value));
        }

        if (whole && ResultKeys.Whole(key.ToString()) is var one)
            return (table, one, one + "\0");
        // Longer keys than a prefix that was cut are told apart by their columns.
        var begin = key.Length == 0 ? "" : ResultKeys.Prefix(key + "|");
        return (table, begin, begin.EndsWith('|') ? begin[..^1] + "}" : begin + "\uFFFF");
    }

    private static RowField Field(IOutput output, string name) => output.Schema.Fields[output.Schema.IndexOf(name)];
}
