using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/queries</c> and <c>GET /api/queries/{name}</c>: what there is, and its rows.</summary>
public sealed class QueriesFunction
{
    private readonly OutputBook _outputs;
    private readonly RowsSource _rows;

    /// <summary>Made by the host.</summary>
    public QueriesFunction(OutputBook outputs, RowsSource rows) => (_outputs, _rows) = (outputs, rows);

    /// <summary>Names, descriptions, windows, delays (ms), keys and columns of all queries, then those of streams, which have no windows; and where their rows are.</summary>
    [Function("Queries")]
    public IActionResult List([HttpTrigger(AuthorizationLevel.Function, "get", "head", Route = "api/queries")] HttpRequest request) =>
        new Asked(request, Endpoints.Queries).Problem ?? Reply.Tagged(_outputs.All.Select(OutputCard.Of));

    /// <summary>Rows of one query or stream in pages, newest first, as JSON or CSV; docs/api.md has the parameters.</summary>
    [Function("QueryRows")]
    public Task<IActionResult> RowsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", "head", Route = "api/queries/{name}")] HttpRequest request, string name, FunctionContext context) =>
        Guarded.AnswerAsync(() => AnswerAsync(request, name, context.CancellationToken));

    private async Task<IActionResult> AnswerAsync(HttpRequest request, string name, CancellationToken cancel)
    {
        var asked = new Asked(request, Endpoints.QueryRows);
        name = asked.Path(Parameters.Name, name);
        if (_outputs.Find(name) is not { } output)
            return Reply.Problem(StatusCodes.Status404NotFound, $"There is no query '{(name.Length > 60 ? name[..60] + "…" : name)}'; there are {string.Join(", ", _outputs.All.Select(q => q.Name))}.");
        var source = asked.Get(Parameters.Source, RowsSource.SourceOf(output));
        var wanted = Wanted(asked, output, source);
        var isCsv = Accepts.IsCsv(request, asked.Get(Parameters.Format, null!), out var notAcceptable);
        if ((asked.Problem ?? notAcceptable) is { } problem)
            return problem;
        var page = await _rows.ReadAsync(wanted, source, cancel);
        var continuation = page.After is { } after ? Continuation.Write(wanted, source, after) : null;
        var next = continuation is null ? null : RowsSource.Next(request, $"/api/queries/{name}", continuation);
        var body = isCsv
            ? new KeptBody("text/csv; charset=utf-8", RowJson.Csv(output, page.Rows))
            : new KeptBody("application/json; charset=utf-8", RowJson.Page(output, source, page.Rows, continuation, next));
        return new Reply(body)
        {
            FileName = isCsv ? output.Name + ".csv" : null,
            Negotiated = true,
            Headers = next is null ? [] : [("Link", $"<{next}>; rel=\"next\""), ("Tidemark-Continuation", continuation!)],
        };
    }

    private static RowsWanted Wanted(Asked asked, IOutput output, string source)
    {
        var wanted = new RowsWanted(
            output, asked.Has(Parameters.From) ? asked.Get(Parameters.From, default) : null, asked.Has(Parameters.To) ? asked.Get(Parameters.To, default) : null,
            asked.All(Parameters.Key), asked.Get(Parameters.Limit, 100), null);
        foreach (var key in wanted.Keys)
            if (!Columns(output).Contains(key.Column))
                asked.Refuse(Parameters.Key.Name, $"The parameter key names '{key.Column}'; keys of {output.Name} are {string.Join(", ", Columns(output))}.");
        if (wanted.From >= wanted.To)
            asked.Refuse(Parameters.From.Name, $"The parameter from, {wanted.From:O}, is not before to, {wanted.To:O}.");
        if (output.TimeColumn is null && (wanted.From ?? wanted.To) is not null)
            asked.Refuse(wanted.From is null ? Parameters.To.Name : Parameters.From.Name, $"Rows of {output.Name} are the last of each key and have no time to ask for; leave from and to out.");
        if (output.TimeColumn is null && source == "delta")
            asked.Refuse(Parameters.Source.Name, $"Delta has every row that {output.Name} ever had, Table storage the last of each key; read gold/{output.Name} with a Delta reader.");
        if (source == "table" && !OutputBook.IsInTables(output))
            asked.Refuse(Parameters.Source.Name, $"Rows of {output.Name} are in Delta only; ask with source=delta, or without source.");
        if (!asked.Has(Parameters.Continuation))
            return wanted;
        var after = Continuation.Read(wanted, source, asked.Get(Parameters.Continuation, ""));
        if (after is null)
            asked.Refuse(Parameters.Continuation.Name, "The continuation is not one of this question; take it from the page before, and leave the other parameters as they were there.");
        return wanted with { After = after };
    }

    private static IEnumerable<string> Columns(IOutput output)
    {
        if (output is QuerySpec { Top: not null } top)
            // A top is numbered; what it was grouped by is asked for, not its number alone.
            return top.Keys.Concat(top.Schema.Fields.Where(f => f.Type == FieldType.String).Select(f => f.Name)).Distinct();
        return output is StreamSpec { IndexBy: { } by } ? output.Keys.Append(by).Distinct() : output.Keys;
    }
}

/// <summary>A query (or stream, without windows) as the page is told of it. All times are ms.</summary>
internal record QueryCard(
    string Name, string Kind, string Table, string DeltaTable, string Description, long? SizeMs, long? SlideMs, long? DelayMs, bool? Update, string? TimeColumn,
    IReadOnlyList<string> Keys, IReadOnlyList<ColumnCard> Columns)
{
    private static string Words(IOutput output) => output switch
    {
        { Description.Length: > 0 } => output.Description,
        StreamSpec { IsChained: true } stream => $"Follows the rows of {stream.Source} as they are committed, in order; a row for each {string.Join(" and ", stream.Keys)}.",
        StreamSpec stream => $"Follows {stream.Source} in the order of each partition, reading {string.Join(", ", stream.Columns)}; a row for each {string.Join(" and ", stream.Keys)}.",
        _ => "",
    };

    public static QueryCard Of(IOutput output)
    {
        var query = output as QuerySpec;
        return new QueryCard(
            output.Name, query is null ? "stream" : "window", ResultKeys.Table(output.Name), Domain.Ledger.TableNames.Gold(output.Name), Words(output),
            query?.SizeMs, query?.SlideMs, query?.DelayMs, query?.Update, output.TimeColumn,
            output.Keys, [.. output.Schema.Fields.Select(f => new ColumnCard(f.Name, f.Type.ToString().ToLowerInvariant(), f.Precision, f.Scale, f.Nullable))]);
    }
}

/// <summary>The same for callers from outside.</summary>
/// <param name="Card">What the page is told.</param>
/// <param name="Mode"><c>append</c>: rows come once, when they are final; <c>update</c>: those of open windows come before and are replaced; <c>latest</c>: a key has one row.</param>
/// <param name="Sinks">Where its rows are: <c>delta</c>, <c>table</c>.</param>
/// <param name="IndexedBy">Column that rows are found by in one request; null = none.</param>
/// <param name="Links">Addresses: <c>rows</c>, <c>csv</c>, and <c>delta</c> where Delta can be asked.</param>
internal sealed record OutputCard(QueryCard Card, string Mode, IReadOnlyList<string> Sinks, string? IndexedBy, IReadOnlyDictionary<string, string> Links) : QueryCard(Card)
{
    [System.Text.Json.Serialization.JsonIgnore]
    public QueryCard Card { get; } = Card;

    public static new OutputCard Of(IOutput output)
    {
        var rows = $"/api/queries/{output.Name}";
        var links = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["rows"] = rows, ["csv"] = rows + "?format=csv" };
        if (output.TimeColumn is not null)
            links["delta"] = rows + "?source=delta";
        var mode = output switch { QuerySpec { Update: true } => "update", StreamSpec { Results: StreamResults.Latest } => "latest", _ => "append" };
        return new OutputCard(QueryCard.Of(output), mode, OutputBook.IsInTables(output) ? ["delta", "table"] : ["delta"], (output as StreamSpec)?.IndexBy, links);
    }
}

/// <summary>A column of a result.</summary>
internal sealed record ColumnCard(string Name, string Type, int Precision, int Scale, bool Nullable);

/// <summary>A query in the overview: with its newest rows as arrays.</summary>
internal sealed record OverviewCard(QueryCard Card, IReadOnlyList<IReadOnlyList<object?>> Rows) : QueryCard(Card)
{
    [System.Text.Json.Serialization.JsonIgnore]
    public QueryCard Card { get; } = Card;
}
