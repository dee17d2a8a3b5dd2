using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Clickstream;
using Tidemark.Functions.Api;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/fraud/{user}</c>: what an ordering service asks before it completes a payment.</summary>
public sealed class FraudFunction
{
    private readonly FraudSource _fraud;

    /// <summary>Made by the host.</summary>
    public FraudFunction(FraudSource fraud) => _fraud = fraud;

    /// <summary>
    /// The verdict on a user, by the alerts of the last time; with <c>amount</c> or <c>country</c> also on a purchase that was not made yet. One request to Table
    /// storage, two with a purchase.
    /// </summary>
    [Function("Fraud")]
    public Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", "head", Route = "api/fraud/{user}")] HttpRequest request, string user, FunctionContext context) =>
        Guarded.AnswerAsync(async () =>
        {
            var asked = new Asked(request, Endpoints.Fraud);
            var id = asked.Path(Parameters.User, user);
            var within = TimeSpan.FromSeconds(asked.Get(Parameters.Within, 86_400));
            JudgedPurchase? purchase = asked.Has(Parameters.Amount) || asked.Has(Parameters.Country)
                ? new JudgedPurchase(default, asked.Has(Parameters.Amount) ? asked.Get(Parameters.Amount, 0) : null, asked.Has(Parameters.Country) ? asked.Get(Parameters.Country, "") : null)
                : null;
            return asked.Problem ?? (await _fraud.JudgeAsync(id, within, purchase, context.CancellationToken) is { } answer
                ? new Reply(answer)
                : Reply.Problem(StatusCodes.Status404NotFound, "This pipeline has no fraud_alerts to judge by."));
        });
}
