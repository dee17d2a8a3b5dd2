using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/tables</c>, <c>/api/tables/{layer}/{name}</c> and <c>/api/timeline</c>: what lies in Delta.</summary>
public sealed class LakeFunction
{
    private const int MostEvents = 500;
    private readonly LakeSource _lake;
    private readonly HostedPipelines _pipelines;

    /// <summary>Made by the host.</summary>
    public LakeFunction(LakeSource lake, HostedPipelines pipelines) => (_lake, _pipelines) = (lake, pipelines);

    /// <summary>All Delta tables with version, files, rows and bytes.</summary>
    [Function("Tables")]
    public async Task<IActionResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/tables")] HttpRequest request, FunctionContext context) =>
        await Guarded.AnswerAsync(async () => new Asked(request, Endpoints.Tables).Problem ?? new Reply(await _lake.ListAsync(context.CancellationToken)));

    /// <summary>One table with its newest versions and files.</summary>
    [Function("Table")]
    public async Task<IActionResult> TableAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/tables/{layer}/{name}")] HttpRequest request, string layer, string name, FunctionContext context) =>
        await Guarded.AnswerAsync(async () => _lake.Names.Contains($"{layer}/{name}")
            ? new Asked(request, Endpoints.Table).Problem ?? new Reply(await _lake.TableAsync($"{layer}/{name}", context.CancellationToken))
            : Reply.Problem(StatusCodes.Status404NotFound, $"There is no table '{layer}/{name}'; there are {string.Join(", ", _lake.Names)}."));

    /// <summary>
    /// The latest events of one user or session (<c>user=</c> or <c>session=</c>) in every topic whose records have them, newest first, at most 500, from the newest 64 files of each table
    /// that can hold some; <c>complete</c> says whether these are all.
    /// </summary>
    [Function("Timeline")]
    public Task<IActionResult> TimelineAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/timeline")] HttpRequest request, FunctionContext context) =>
        Guarded.AnswerAsync(() => AnswerAsync(request, context.CancellationToken));

    private async Task<IActionResult> AnswerAsync(HttpRequest request, CancellationToken cancel)
    {
        var asked = new Asked(request, Endpoints.Timeline);
        var (user, session) = (asked.Get(Parameters.OfUser, ""), asked.Get(Parameters.OfSession, ""));
        if (asked.Problem is { } problem)
            return problem;
        if (user.Length == 0 == (session.Length == 0))
            return Reply.Problem(StatusCodes.Status400BadRequest, "Ask for one of user=ID and session=ID.");
        var (column, id) = user.Length > 0 ? ("user_id", user) : ("session_id", session);
        var text = System.Text.Encoding.UTF8.GetBytes(id);
        var all = new Scan([], 0, true);
        foreach (var table in TablesWith(column))
        {
            var scan = await _lake.ScanAsync(table, new ScanFilter().EqualTo(column, id), (rows, row) => Equal(rows[column], row, text), MostEvents, cancel);
            all = new Scan([.. all.Found, .. scan.Found], all.FilesRead + scan.FilesRead, all.IsComplete && scan.IsComplete);
        }

        var events = all.Found.OrderByDescending(f => ((Domain.Columns.Int64Column)f.Rows["event_time"]).Values[f.Row]).Take(MostEvents).ToList();
        return new Reply(new KeptBody("application/json; charset=utf-8", Json(column, id, events, all with { IsComplete = all.IsComplete && events.Count == all.Found.Count })));
    }

    /// <summary>Tables of events that have the column.</summary>
    private IEnumerable<string> TablesWith(string column) =>
        from pipeline in _pipelines.All.Select(hosted => hosted.Pipeline)
        where pipeline is IRecounting
        let table = pipeline.Tables.First(t => t.Name == ((IRecounting)pipeline).EventTable)
        where table.Schema.Fields.Any(f => f.Name == column)
        select table.Name;

    private static bool Equal(Column column, int row, byte[] text) => !column.IsNull(row) && column switch
    {
        Domain.Columns.DictionaryColumn c => c.Dictionary[c.Codes[row]].SequenceEqual(text),
        BinaryColumn c => c[row].SequenceEqual(text),
        _ => false,
    };

    private static byte[] Json(string column, string id, IReadOnlyList<(RowBatch Rows, int Row)> events, Scan scan)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("by", column);
            json.WriteString("id", id);
            json.WriteBoolean("complete", scan.IsComplete);
            json.WriteNumber("files_read", scan.FilesRead);
            json.WriteStartArray("events");
            foreach (var (rows, row) in events)
                RowObject.Write(json, rows, row);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }
}

/// <summary>A row of a batch as a JSON object: bytes as text where they are UTF-8, else base64 under the name with <c>_base64</c>.</summary>
internal static class RowObject
{
    public static void Write(Utf8JsonWriter json, RowBatch rows, int row, int longest = 4096)
    {
        json.WriteStartObject();
        for (var i = 0; i < rows.Columns.Count; i++)
        {
            var field = rows.Schema.Fields[i];
            var value = Cell.Property(rows, i, row);
            if (value is byte[] bytes)
            {
                var cut = bytes.AsSpan(0, Math.Min(bytes.Length, longest));
                if (System.Text.Unicode.Utf8.IsValid(cut))
                    json.WriteString(field.Name, cut);
                else
                    json.WriteBase64String(field.Name + "_base64", cut);
                json.WriteNumber(field.Name + "_bytes", bytes.Length);
                continue;
            }

            json.WritePropertyName(field.Name);
            if (field.Type == FieldType.Decimal && value is string digits)
                json.WriteRawValue(digits);
            else
                RowJson.Value(json, value is string { Length: > 4096 } text ? string.Concat(text.AsSpan(0, 4096), "…") : value);
        }

        json.WriteEndObject();
    }
}
