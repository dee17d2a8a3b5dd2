using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>
/// <c>GET /api/overview</c>: everything that the first page shows, in one answer that is made at most once a second for all viewers, with an ETag.
/// </summary>
public sealed class OverviewFunction
{
    private readonly OverviewSource _source;

    /// <summary>Made by the host.</summary>
    public OverviewFunction(OverviewSource source) => _source = source;

    /// <summary><c>status</c>, <c>view</c> (without entities and ranges) and <c>queries</c> with their newest rows as arrays.</summary>
    [Function("Overview")]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/overview")] HttpRequest request, FunctionContext context) =>
        await Guarded.AnswerAsync(async () => new Reply(await _source.GetAsync(context.CancellationToken)));
}

/// <summary>Makes the overview, once for all who ask, and anew when a tick has changed what it shows.</summary>
public sealed class OverviewSource
{
    private const int MostRows = 200;
    private const int MostStreamRows = 60;
    private const int MostWindows = 60;
    private readonly StatusSource _status;
    private readonly HostedPipelines _pipelines;
    private readonly NewestRows _rows;
    private readonly Shared<KeptBody> _shared;
    // Used by one maker at a time. Rows that have not changed are the same list, and so is their text.
    private readonly Dictionary<string, (object Rows, string Text)> _texts = [];
    private (StatusReport Status, KeptBody Body)? _last;

    internal OverviewSource(StatusSource status, HostedPipelines pipelines, NewestRows rows, TimeProvider time) =>
        (_status, _pipelines, _rows, _shared) = (status, pipelines, rows, new Shared<KeptBody>(TimeSpan.FromSeconds(1), time));

    internal Task<KeptBody> GetAsync(CancellationToken cancel) => _shared.GetAsync(MakeAsync, cancel);

    private async Task<KeptBody> MakeAsync(CancellationToken cancel)
    {
        var status = await _status.GetAsync(cancel);
        // Rows change in ticks only, and every tick leaves a new status.
        if (_last is { } last && ReferenceEquals(last.Status, status))
            return last.Body;
        var view = (await _status.ViewAsync(cancel)).View;
        var text = new StringBuilder();
        text.Append("{\"status\":").Append(JsonSerializer.Serialize(status, StatusReport.Json));
        text.Append(",\"view\":").Append(JsonSerializer.Serialize(view with { Entities = [], Ranges = [] }, StatusReport.Json));
        text.Append(",\"queries\":[");
        var outputs = _pipelines.Outputs;
        foreach (var query in outputs)
        {
            var rows = await _rows.GetAsync(query, cancel);
            if (!_texts.TryGetValue(query.Name, out var known) || !ReferenceEquals(known.Rows, rows))
            {
                var card = JsonSerializer.Serialize(QueryCard.Of(query), StatusReport.Json);
                known = (rows, string.Concat(card.AsSpan(0, card.Length - 1), ",\"rows\":", RowJson.Arrays(query, query is QuerySpec ? Newest(rows) : rows.Take(MostStreamRows)), "},"));
                _texts[query.Name] = known;
            }

            text.Append(known.Text);
        }

        if (outputs.Count > 0)
            text.Length--;
        text.Append("]}");
        var body = new KeptBody("application/json; charset=utf-8", Encoding.UTF8.GetBytes(text.ToString()));
        _last = (status, body);
        return body;
    }

    /// <summary>Whole windows, the newest 60 of them and not many more than 200 rows.</summary>
    private static IEnumerable<Azure.Data.Tables.TableEntity> Newest(IReadOnlyList<Azure.Data.Tables.TableEntity> rows)
    {
        var (count, windows, window) = (0, 0, "");
        foreach (var row in rows)
        {
            var start = row.RowKey.Split('|', 2)[0];
            if (start != window)
            {
                if (++windows > MostWindows || count >= MostRows)
                    yield break;
                window = start;
            }

            count++;
            yield return row;
        }
    }
}
