using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Results;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/queries</c> and <c>GET /api/queries/{name}?limit=&amp;format=</c>.</summary>
public sealed class QueriesFunction
{
    private const int DefaultLimit = 100;
    private readonly HostedPipelines _pipelines;
    private readonly NewestRows _rows;

    /// <summary>Made by the host.</summary>
    public QueriesFunction(HostedPipelines pipelines, NewestRows rows) => (_pipelines, _rows) = (pipelines, rows);

    /// <summary>Of all topics: names, descriptions, windows, delays (ms), keys and columns of all queries, then those of streams, which have no windows.</summary>
    [Function("Queries")]
    public IActionResult List([HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/queries")] HttpRequest request) =>
        Reply.Tagged(_pipelines.Outputs.Select(QueryCard.Of));

    /// <summary>
    /// The newest rows of one query, at most <c>limit</c> (1 to 1000, 100 when absent), newest window first, as JSON or, with <c>format=csv</c>, CSV.
    /// </summary>
    [Function("QueryRows")]
    public async Task<IActionResult> RowsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/queries/{name}")] HttpRequest request, string name, FunctionContext context)
    {
        var outputs = _pipelines.Outputs;
        if (outputs.FirstOrDefault(q => q.Name == name) is not { } query)
            return Reply.Problem(StatusCodes.Status404NotFound, $"There is no query '{name}'; there are {string.Join(", ", outputs.Select(q => q.Name))}.");
        var asked = request.Query["limit"].ToString();
        var limit = DefaultLimit;
        if (asked.Length > 0 && (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > NewestRows.Most))
            return Reply.Problem(StatusCodes.Status400BadRequest, $"The limit is '{asked}'; it should be a number from 1 to {NewestRows.Most}.");
        var format = request.Query["format"].ToString();
        if (format is not ("" or "json" or "csv"))
            return Reply.Problem(StatusCodes.Status400BadRequest, $"The format is '{format}'; it should be json or csv.");
        var rows = (await _rows.GetAsync(query, context.CancellationToken)).Take(limit);
        return format == "csv"
            ? new Reply(StatusCodes.Status200OK, "text/csv; charset=utf-8", RowJson.Csv(query, rows)) { FileName = query.Name + ".csv" }
            : new Reply(new KeptBody("application/json; charset=utf-8", RowJson.Objects(query, rows)));
    }
}

/// <summary>A query (or stream, without windows) as the page is told of it. All times are ms.</summary>
internal sealed record QueryCard(
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
            output.Keys, [.. output.Schema.Fields.Select(f => new ColumnCard(f.Name, f.Type.ToString().ToLowerInvariant(), f.Precision, f.Scale))]);
    }
}

/// <summary>A column of a result.</summary>
internal sealed record ColumnCard(string Name, string Type, int Precision, int Scale);
