using Azure;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Tidemark.Functions.Http;

namespace Tidemark.Functions.Api;

/// <summary>Answers while storage is away: a sentence and 503, not the host's bare 500.</summary>
internal static class Guarded
{
    public static async Task<IActionResult> AnswerAsync(Func<Task<IActionResult>> answer)
    {
        try
        {
            return await answer();
        }
        catch (Exception e) when (e is RequestFailedException or IOException or AggregateException { InnerException: RequestFailedException or IOException })
        {
            // Only the service's own words on what failed, which hold no key.
            var code = ((e as AggregateException)?.InnerException ?? e) is RequestFailedException { ErrorCode: { Length: > 0 } known } ? $" ({known})" : "";
            return Reply.Problem(StatusCodes.Status503ServiceUnavailable, $"Storage does not answer as it should{code}; ask again.", retryAfterSeconds: 5);
        }
    }
}
