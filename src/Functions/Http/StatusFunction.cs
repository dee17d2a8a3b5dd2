using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/status</c> and <c>GET /api/health</c>.</summary>
public sealed class StatusFunction
{
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(2);
    private readonly StatusSource _source;
    private readonly TimeProvider _time;

    /// <summary>Made by the host.</summary>
    public StatusFunction(StatusSource source, TimeProvider time) => (_source, _time) = (source, time);

    /// <summary>Progress, lag, latency, gaps, alerts and costs: <see cref="Status.StatusReport"/>.</summary>
    [Function("Status")]
    public async Task<IActionResult> StatusAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/status")] HttpRequest request, FunctionContext context) =>
        Reply.Tagged(await _source.GetAsync(context.CancellationToken));

    /// <summary>200 while ticks succeed (or none was due yet), else 503; tells nothing that a stranger may not know.</summary>
    [Function("Health")]
    public async Task<IActionResult> HealthAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/health")] HttpRequest request, FunctionContext context)
    {
        var status = await _source.GetAsync(context.CancellationToken);
        var age = _time.GetUtcNow() - status.UpdatedAt;
        var healthy = status.State != "failing" && (age < Stale || status.State == "starting");
        return Reply.Json(new HealthBody(healthy, status.State, Math.Round(age.TotalSeconds, 1)), healthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}

/// <summary>Whether the pipeline is well, its state, and how old that is.</summary>
internal sealed record HealthBody(bool Healthy, string State, double AgeSeconds);
