using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Api;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Http;

/// <summary>
/// <c>POST /api/drain</c>: says that the input of all topics is bounded and all of it is in Kafka, so that every window closes once it is processed. With
/// <c>?keep-open=true</c> windows that the watermark has not reached stay open for the input that follows.
/// </summary>
public sealed class DrainFunction
{
    private const int Attempts = 20;
    private readonly HostedSources _sources;

    /// <summary>Made by the host.</summary>
    public DrainFunction(HostedSources sources) => _sources = sources;

    /// <summary>202 when noted; 409 before the first start, when there is nothing to end.</summary>
    [Function("Drain")]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "api/drain")] HttpRequest request, FunctionContext context)
    {
        var asked = new Asked(request, Endpoints.Drain);
        var keepOpen = asked.Get(Parameters.KeepOpen, false);
        if (asked.Problem is { } wrong)
            return wrong;
        foreach (var source in _sources.All)
            if (await EndAsync(source, keepOpen, context.CancellationToken) is { } problem)
                return problem;
        return Reply.Json(new { draining = true }, StatusCodes.Status202Accepted);
    }

    /// <summary>Null when the end is noted.</summary>
    private static async Task<IActionResult?> EndAsync(HostedSource source, bool keepOpen, CancellationToken cancel)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await source.Ledger.ReadMetaAsync(cancel) is not { } meta)
                return Reply.Problem(StatusCodes.Status409Conflict, $"The pipeline of {source.Name} has not started yet; ask again once /api/status shows its partitions.");
            source.Board.DrainAsked();
            // Written although it may say so already: a tick under way that has seen the earlier end must not take this one off.
            if (await source.Ledger.TryWriteMetaAsync(meta.Value with { EndOfInput = true, KeepOpen = keepOpen }, meta.ETag, cancel) is not null)
                return null;
        }

        return Reply.Problem(StatusCodes.Status503ServiceUnavailable, $"The ledger of {source.Name} changed under each of {Attempts} attempts; ask again.");
    }
}
