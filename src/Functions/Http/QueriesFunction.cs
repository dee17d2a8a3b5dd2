using System.Globalization;
using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/queries</c> and <c>GET /api/queries/{name}?limit=</c>.</summary>
public sealed class QueriesFunction
{
    private const int DefaultLimit = 100;
    private const int LargestLimit = 1000;
    private readonly IPipeline _pipeline;
    private readonly TableResults _results;

    /// <summary>Made by the host.</summary>
    public QueriesFunction(IPipeline pipeline, TableResults results) => (_pipeline, _results) = (pipeline, results);

    /// <summary>Names, windows, delays (ms) and columns of all queries, then those of streams, which have no windows.</summary>
    [Function("Queries")]
    public IActionResult List([HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/queries")] HttpRequest request) =>
        Reply.Json(Outputs.Select(query => new
        {
            query.Name,
            Kind = query is QuerySpec ? "window" : "stream",
            Table = ResultKeys.Table(query.Name),
            (query as QuerySpec)?.SizeMs,
            (query as QuerySpec)?.SlideMs,
            (query as QuerySpec)?.DelayMs,
            (query as QuerySpec)?.Update,
            query.TimeColumn,
            query.Keys,
            Columns = query.Schema.Fields.Select(f => new { f.Name, Type = f.Type.ToString().ToLowerInvariant(), f.Precision, f.Scale }),
        }));

    /// <summary>The newest rows of one query, at most <c>limit</c> (1 to 1000, 100 when absent), newest window first.</summary>
    [Function("QueryRows")]
    public async Task<IActionResult> RowsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/queries/{name}")] HttpRequest request, string name, FunctionContext context)
    {
        if (Outputs.FirstOrDefault(q => q.Name == name) is not { } query)
            return Reply.Problem(StatusCodes.Status404NotFound, $"There is no query '{name}'; there are {string.Join(", ", Outputs.Select(q => q.Name))}.");
        var asked = request.Query["limit"].ToString();
        var limit = DefaultLimit;
        if (asked.Length > 0 && (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > LargestLimit))
            return Reply.Problem(StatusCodes.Status400BadRequest, $"The limit is '{asked}'; it should be a number from 1 to {LargestLimit}.");
        try
        {
            return Json(query, await _results.ReadNewestAsync(query, limit, context.CancellationToken));
        }
        catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
        {
            return Json(query, []);
        }
    }

    private IEnumerable<IOutput> Outputs => _pipeline.Queries.Concat<IOutput>(_pipeline.Streams.Where(s => s.Results != StreamResults.None));

    internal static Reply Json(IOutput query, IReadOnlyList<TableEntity> rows)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("query", query.Name);
            json.WriteStartArray("rows");
            foreach (var row in rows)
                Write(json, query, row);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return new Reply(StatusCodes.Status200OK, "application/json; charset=utf-8", bytes.ToArray());
    }

    private static void Write(Utf8JsonWriter json, IOutput query, TableEntity row)
    {
        json.WriteStartObject();
        foreach (var field in query.Schema.Fields)
        {
            json.WritePropertyName(field.Name);
            if (!row.TryGetValue(field.Name, out var value) || value is null)
                json.WriteNullValue();
            else if (field.Type == FieldType.Decimal && value is string digits)
                json.WriteRawValue(digits);
            else
                Write(json, value);
        }

        json.WriteBoolean("is_final", row.GetBoolean("is_final") ?? false);
        json.WritePropertyName("updated_at");
        Write(json, row["updated_at"]);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case int number: json.WriteNumberValue(number); break;
            case long number: json.WriteNumberValue(number); break;
            case double number when double.IsFinite(number): json.WriteNumberValue(number); break;
            case DateTimeOffset time: json.WriteStringValue(time.UtcDateTime); break;
            case DateTime time: json.WriteStringValue(time.ToUniversalTime()); break;
            case byte[] bytes: json.WriteBase64StringValue(bytes); break;
            case IFormattable other: json.WriteStringValue(other.ToString(null, CultureInfo.InvariantCulture)); break;
            default: json.WriteStringValue(value.ToString()); break;
        }
    }
}
