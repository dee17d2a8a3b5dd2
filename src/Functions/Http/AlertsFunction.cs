using System.Text.Json;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/alerts</c>: alerts of the pipeline, and the rows of every output that says how severe they are.</summary>
public sealed class AlertsFunction
{
    private const string OfPipeline = "pipeline";
    private static readonly string[] Names = ["rule", "kind"], Subjects = ["user_id", "group", "device_id"];
    private readonly OutputBook _outputs;
    private readonly NewestRows _rows;
    private readonly StatusSource _status;

    /// <summary>Made by the host.</summary>
    public AlertsFunction(OutputBook outputs, NewestRows rows, StatusSource status) => (_outputs, _rows, _status) = (outputs, rows, status);

    /// <summary>The newest alerts; those of the shop are among the newest thousand rows of each output. Where the instance ticks they cost no request to storage.</summary>
    [Function("Alerts")]
    public Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", "head", Route = "api/alerts")] HttpRequest request, FunctionContext context) =>
        Guarded.AnswerAsync(() => AnswerAsync(request, context.CancellationToken));

    private async Task<IActionResult> AnswerAsync(HttpRequest request, CancellationToken cancel)
    {
        var asked = new Asked(request, Endpoints.Alerts);
        var (severity, kind, limit) = (asked.Get(Parameters.Severity, ""), asked.Get(Parameters.Kind, ""), asked.Get(Parameters.Limit, 100));
        var since = asked.Get(Parameters.Since, DateTimeOffset.MinValue);
        var outputs = _outputs.All.Where(o => OutputBook.IsInTables(o) && o.TimeColumn is not null && o.Schema.Fields.Any(f => f.Name == "severity")).ToList();
        if (kind.Length > 0 && kind != OfPipeline && outputs.All(o => o.Name != kind))
            asked.Refuse(Parameters.Kind.Name, $"The parameter kind is '{kind}'; it should be one of {string.Join(", ", outputs.Select(o => o.Name).Prepend(OfPipeline))}.");
        if (asked.Problem is { } problem)
            return problem;
        var complete = true;
        var alerts = new List<AlertEntry>();
        if (kind is "" or OfPipeline)
            alerts.AddRange((await _status.GetAsync(cancel)).Alerts.Select(a => new AlertEntry(OfPipeline, a.LastAt, a.Severity, a.Name, a.Subject, a.Text, a.Active, null)));
        foreach (var output in outputs.Where(o => kind.Length == 0 || o.Name == kind))
        {
            var rows = await _rows.GetAsync(output, cancel);
            alerts.AddRange(rows.Select(row => Entry(output, row)));
            complete &= rows.Count < NewestRows.Most || rows[^1].GetDateTimeOffset(output.TimeColumn!) < since;
        }

        var wanted = alerts.Where(a => a.At >= since && (severity.Length == 0 || a.Severity == severity)).OrderByDescending(a => a.At).ToList();
        return Reply.Tagged(new AlertsAnswer([.. wanted.Take(limit)], complete && wanted.Count <= limit));
    }

    private static AlertEntry Entry(IOutput output, TableEntity row)
    {
        using var json = JsonDocument.Parse(RowJson.Written(to => RowJson.Object(to, output, row)));
        return new AlertEntry(
            output.Name, row.GetDateTimeOffset(output.TimeColumn!) ?? default, row.GetString("severity"), Of(output, row, Names), Of(output, row, Subjects), null, null, json.RootElement.Clone());
    }

    /// <summary>The text of the first of these columns that the output has, else of its first key.</summary>
    private static string Of(IOutput output, TableEntity row, string[] columns) =>
        row.GetString(columns.FirstOrDefault(c => output.Schema.Fields.Any(f => f.Name == c)) ?? output.Keys[0]) ?? "";
}

/// <summary>Alerts, newest first.</summary>
/// <param name="Alerts">The alerts.</param>
/// <param name="Complete">Whether these are all that were asked for.</param>
internal sealed record AlertsAnswer(IReadOnlyList<AlertEntry> Alerts, bool Complete);

/// <summary>An alert.</summary>
/// <param name="Kind"><c>pipeline</c>, or the output that it is a row of.</param>
/// <param name="At">When: of the pipeline's last raised, of the shop's the time of the event or the end of the window.</param>
/// <param name="Severity"><c>critical</c>, <c>error</c>, <c>warning</c> or <c>informational</c>.</param>
/// <param name="Name">Which: an alert of docs/runbook.md, a rule, or <c>spike</c> and <c>drop</c>.</param>
/// <param name="Subject">What it is about: a partition, a user, a group.</param>
/// <param name="Text">What happened; null for rows, which say it themselves.</param>
/// <param name="Active">Whether it still holds; null for rows.</param>
/// <param name="Row">The row; null for alerts of the pipeline.</param>
internal sealed record AlertEntry(string Kind, DateTimeOffset At, string Severity, string Name, string Subject, string? Text, bool? Active, JsonElement? Row);
