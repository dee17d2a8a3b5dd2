using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/progress</c>, <c>/api/entities</c> and <c>/api/partitions</c>: what the last tick saw, from memory or the stored view.</summary>
public sealed class ProgressFunction
{
    private readonly StatusSource _source;

    /// <summary>Made by the host.</summary>
    public ProgressFunction(StatusSource source) => _source = source;

    /// <summary>Progress of every query in the last tick, fields and spelling as in Spark's StreamingQueryProgress.</summary>
    [Function("Progress")]
    public async Task<IActionResult> ProgressAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/progress")] HttpRequest request, FunctionContext context) =>
        Reply.Tagged((await _source.ViewAsync(context.CancellationToken)).Progress, QueryProgress.Json);

    /// <summary>Entities in memory: version, bytes of state, backlog.</summary>
    [Function("Entities")]
    public async Task<IActionResult> EntitiesAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/entities")] HttpRequest request, FunctionContext context)
    {
        var view = (await _source.ViewAsync(context.CancellationToken)).View;
        return Reply.Tagged(new { view.UpdatedAt, Limit = 64L << 20, view.Entities });
    }

    /// <summary>Partitions with offsets, and the newest open ranges; those of further topics in <c>sources</c>.</summary>
    [Function("Partitions")]
    public async Task<IActionResult> PartitionsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/partitions")] HttpRequest request, FunctionContext context)
    {
        var status = await _source.GetAsync(context.CancellationToken);
        var view = (await _source.ViewAsync(context.CancellationToken)).View;
        return Reply.Tagged(new { view.UpdatedAt, status.Frontier, status.Partitions, status.Gaps, view.Ranges, Sources = status.Sources.ToDictionary(s => s.Key, s => new { s.Value.Frontier, s.Value.Partitions, s.Value.Gaps }) });
    }
}
