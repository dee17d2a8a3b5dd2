using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Api;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>
/// <c>POST /api/drain</c>: says that the input is bounded and all of it is in Kafka, so that every window closes once it is processed. With
/// <c>?keep-open=true</c> windows that the watermark has not reached stay open for the input that follows.
/// </summary>
public sealed class DrainFunction
{
    private const int Attempts = 20;
    private readonly ILedger _ledger;
    private readonly StatusBoard _board;

    /// <summary>Made by the host.</summary>
    public DrainFunction(ILedger ledger, StatusBoard board) => (_ledger, _board) = (ledger, board);

    /// <summary>202 when noted; 409 before the first start, when there is nothing to end.</summary>
    [Function("Drain")]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "api/drain")] HttpRequest request, FunctionContext context)
    {
        var asked = new Asked(request, Endpoints.Drain);
        var keepOpen = asked.Get(Parameters.KeepOpen, false);
        if (asked.Problem is { } problem)
            return problem;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await _ledger.ReadMetaAsync(context.CancellationToken) is not { } meta)
                return Reply.Problem(StatusCodes.Status409Conflict, "The pipeline has not started yet; ask again once /api/status shows partitions.");
            _board.DrainAsked();
            var ended = meta.Value with { EndOfInput = true, KeepOpen = keepOpen };
            if (meta.Value == ended || await _ledger.TryWriteMetaAsync(ended, meta.ETag, context.CancellationToken) is not null)
                return Reply.Json(new { draining = true }, StatusCodes.Status202Accepted);
        }

        return Reply.Problem(StatusCodes.Status503ServiceUnavailable, $"The ledger changed under each of {Attempts} attempts; ask again.");
    }
}
