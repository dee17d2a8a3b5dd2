using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Api;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/products/{product}/also</c> and <c>/api/users/{user}/recommendations</c>.</summary>
public sealed class ProductsFunction
{
    private readonly RecommendationSource _source;

    /// <summary>Made by the host.</summary>
    public ProductsFunction(RecommendationSource source) => _source = source;

    /// <summary>What else was viewed and bought in sessions that viewed the product. One request to Table storage.</summary>
    [Function("Also")]
    public Task<IActionResult> AlsoAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", "head", Route = "api/products/{product}/also")] HttpRequest request, string product, FunctionContext context) =>
        Guarded.AnswerAsync(async () =>
        {
            var asked = new Asked(request, Endpoints.Also);
            var id = asked.Path(Parameters.Product, product, fromEnd: 1);
            return asked.Problem ?? (await _source.AlsoAsync(id, context.CancellationToken) is { } answer
                ? Reply.Tagged(answer)
                : Reply.Problem(StatusCodes.Status404NotFound, "Nothing is known of this product: no session that viewed it and another one has closed."));
        });

    /// <summary>Products for a user. At most thirteen requests to Table storage, in three steps.</summary>
    [Function("Recommendations")]
    public Task<IActionResult> RecommendationsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", "head", Route = "api/users/{user}/recommendations")] HttpRequest request, string user, FunctionContext context) =>
        Guarded.AnswerAsync(async () =>
        {
            var asked = new Asked(request, Endpoints.Recommendations);
            var id = asked.Path(Parameters.User, user, fromEnd: 1);
            var limit = asked.Get(Parameters.Best, 10);
            return asked.Problem ?? (await _source.RecommendAsync(id, limit, context.CancellationToken) is { } answer
                ? Reply.Tagged(answer)
                : Reply.Problem(StatusCodes.Status404NotFound, "This pipeline has no sessions and purchases to recommend by."));
        });
}
