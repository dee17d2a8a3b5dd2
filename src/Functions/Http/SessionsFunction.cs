using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/sessions/{user}</c>.</summary>
public sealed class SessionsFunction
{
    private const string Output = "user_sessions";
    private readonly OutputBook _outputs;
    private readonly RowsSource _rows;
    private readonly OpenSessions _open;

    /// <summary>Made by the host.</summary>
    public SessionsFunction(OutputBook outputs, RowsSource rows, OpenSessions open) => (_outputs, _rows, _open) = (outputs, rows, open);

    /// <summary>Closed sessions of a user in pages, newest first, by one request to Table storage each as far as that goes back, then from Delta; with <c>open=true</c> also the open one, from Delta.</summary>
    [Function("Sessions")]
    public Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", "head", Route = "api/sessions/{user}")] HttpRequest request, string user, FunctionContext context) =>
        Guarded.AnswerAsync(() => AnswerAsync(request, user, context.CancellationToken));

    private async Task<IActionResult> AnswerAsync(HttpRequest request, string user, CancellationToken cancel)
    {
        var asked = new Asked(request, Endpoints.Sessions);
        var id = asked.Path(Parameters.User, user);
        if (_outputs.Find(Output) is not { } output)
            return Reply.Problem(StatusCodes.Status404NotFound, "This pipeline has no user_sessions.");
        var wanted = new RowsWanted(
            output, asked.Has(Parameters.From) ? asked.Get(Parameters.From, default) : null, asked.Has(Parameters.To) ? asked.Get(Parameters.To, default) : null,
            [new KeyFilter("user_id", id)], asked.Get(Parameters.Limit, 100), null);
        if (wanted.From >= wanted.To)
            asked.Refuse(Parameters.From.Name, $"The parameter from, {wanted.From:O}, is not before to, {wanted.To:O}.");
        var source = "table";
        if (asked.Has(Parameters.Continuation))
        {
            var token = asked.Get(Parameters.Continuation, "");
            if (Continuation.Read(wanted, source, token) is null && Continuation.Read(wanted, "delta", token) is not null)
                source = "delta";
            wanted = wanted with { After = Continuation.Read(wanted, source, token) };
            if (wanted.After is null)
                asked.Refuse(Parameters.Continuation.Name, "The continuation is not one of this question; take it from the page before, and leave the other parameters as they were there.");
        }

        var isOpenWanted = asked.Get(Parameters.Open, false);
        if (asked.Problem is { } problem)
            return problem;
        var (page, nextSource) = source == "table" ? await _rows.ReadOnAsync(wanted, cancel) : (await _rows.ReadAsync(wanted, source, cancel), source);
        var open = isOpenWanted ? await _open.FindAsync(id, cancel) : null;
        var continuation = page.After is { } after ? Continuation.Write(wanted, nextSource, after) : null;
        var next = continuation is null ? null : RowsSource.Next(request, $"/api/sessions/{Uri.EscapeDataString(id)}", continuation);
        var body = RowJson.Written(json =>
        {
            json.WriteStartObject();
            json.WriteString("user", id);
            json.WritePropertyName("sessions");
            RowJson.Rows(json, output, page.Rows);
            json.WritePropertyName("open");
            JsonSerializer.Serialize(json, open, StatusReport.Json);
            json.WriteString("continuation", continuation);
            json.WriteString("next", next);
            json.WriteEndObject();
        });
        return new Reply(new KeptBody("application/json; charset=utf-8", body)) { Headers = next is null ? [] : [("Link", $"<{next}>; rel=\"next\""), ("Tidemark-Continuation", continuation!)] };
    }
}

/// <summary>Schema of what is answered about sessions.</summary>
internal static class SessionsAnswer
{
    public static Schema Schema { get; } = Shapes.Object(
        ("user", Shapes.Text), ("sessions", Shapes.List(Shapes.RowOf("user_sessions"))), ("open", Shapes.OrNull(Shapes.Of<OpenSession>())),
        ("continuation", Shapes.TextOrNull), ("next", Shapes.TextOrNull));
}
