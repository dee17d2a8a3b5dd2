using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Api;

/// <summary>
/// The OpenAPI 3.1 document: routes, methods and keys from the functions' own attributes, parameters and answers from <see cref="Endpoints"/>, rows from the
/// pipeline's outputs. The page's files are left out.
/// </summary>
internal static partial class OpenApiDocument
{
    private static readonly string[] OfPage = ["Home", "Assets"];

    /// <summary>Functions with an HTTP trigger: name and trigger.</summary>
    public static IEnumerable<(string Function, HttpTriggerAttribute Trigger)> Functions() =>
        from type in typeof(OpenApiDocument).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance)
        let name = method.GetCustomAttribute<FunctionAttribute>()?.Name
        let trigger = method.GetParameters().Select(p => p.GetCustomAttribute<HttpTriggerAttribute>()).FirstOrDefault(a => a is not null)
        where name is not null && trigger is not null
        select (name, trigger);

    public static JsonObject Make(IReadOnlyList<IOutput> outputs)
    {
        var book = new SchemaBook(outputs);
        var paths = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var (function, trigger) in Functions().Where(f => !OfPage.Contains(f.Function)))
        {
            var endpoint = Endpoints.All.FirstOrDefault(e => e.Function == function) ?? throw new InvalidOperationException($"The function {function} is not among the endpoints; describe it there.");
            var route = "/" + Constraint().Replace(trigger.Route ?? "api/" + function, "{$1}");
            if (!paths.TryGetValue(route, out var path))
                paths[route] = path = new JsonObject();
            foreach (var method in trigger.Methods ?? [])
                path![method.ToLowerInvariant()] = Operation(endpoint, trigger.AuthLevel, method.ToLowerInvariant(), book);
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "Tidemark",
                ["version"] = typeof(OpenApiDocument).Assembly.GetName().Version?.ToString(3) ?? "0.0.0",
                ["description"] = "Queries over the results of the pipeline. Times are UTC.",
                ["license"] = new JsonObject { ["name"] = "MIT", ["identifier"] = "MIT" },
            },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
            ["paths"] = new JsonObject(paths),
            ["components"] = new JsonObject
            {
                ["schemas"] = book.Components,
                ["securitySchemes"] = new JsonObject
                {
                    ["function_key"] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = "x-functions-key" },
                    ["master_key"] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = "x-functions-key" },
                },
            },
        };
    }

    private static JsonObject Operation(Endpoint endpoint, AuthorizationLevel level, string method, SchemaBook book)
    {
        var operation = new JsonObject
        {
            ["operationId"] = method is "get" or "post" ? endpoint.Function : $"{endpoint.Function}_{method}",
            ["summary"] = endpoint.Summary,
            ["security"] = level switch
            {
                AuthorizationLevel.Anonymous => new JsonArray(),
                AuthorizationLevel.Admin => new JsonArray(new JsonObject { ["master_key"] = new JsonArray() }),
                _ => new JsonArray(new JsonObject { ["function_key"] = new JsonArray() }),
            },
            ["parameters"] = new JsonArray([.. endpoint.Parameters.Select(p => (JsonNode)p.Document())]),
        };
        if (endpoint.Body is { } body)
            operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = new JsonObject { [Accepts.Json] = new JsonObject { ["schema"] = body(book) } } };
        var answers = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var answer in endpoint.Answers)
            answers[answer.Status.ToString(CultureInfo.InvariantCulture)] = Response(answer, method == "head", book);
        if (method != "post")
            answers["304"] = new JsonObject { ["description"] = "What the caller has, by `If-None-Match`, is what there is." };
        if (level != AuthorizationLevel.Anonymous)
            answers["401"] = new JsonObject { ["description"] = "The key is missing or wrong." };
        if (!answers.ContainsKey("503"))
            answers["503"] = Response(new Answer(503, "Storage is away; ask again.", (Accepts.ProblemJson, Shapes.Of<Http.ProblemBody>(Http.ProblemBody.Json))), method == "head", book);
        operation["responses"] = new JsonObject(answers);
        return operation;
    }

    private static JsonObject Response(Answer answer, bool isHead, SchemaBook book)
    {
        var response = new JsonObject { ["description"] = answer.Description };
        if (!isHead)
            response["content"] = new JsonObject([.. answer.Content.Select(c => KeyValuePair.Create(c.ContentType, (JsonNode?)new JsonObject { ["schema"] = c.Schema(book) }))]);
        return response;
    }

    [GeneratedRegex(@"\{\*?([a-z]+)[^}]*\}")]
    private static partial Regex Constraint();
}
