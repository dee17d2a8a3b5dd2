using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/openapi.json</c>: the API described, with the columns of this pipeline's outputs.</summary>
public sealed class OpenApiFunction
{
    private readonly OpenApiSource _source;

    /// <summary>Made by the host.</summary>
    public OpenApiFunction(OpenApiSource source) => _source = source;

    /// <summary>The document.</summary>
    [Function("OpenApi")]
    public IActionResult Run([HttpTrigger(AuthorizationLevel.Anonymous, "get", "head", Route = "api/openapi.json")] HttpRequest request) =>
        new Asked(request, Endpoints.OpenApi).Problem ?? new Reply(_source.Document);
}

/// <summary>The document, made once.</summary>
public sealed class OpenApiSource
{
    private readonly Lazy<KeptBody> _document;

    internal OpenApiSource(OutputBook outputs) =>
        _document = new Lazy<KeptBody>(() => new KeptBody("application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(OpenApiDocument.Make(outputs.All))));

    internal KeptBody Document => _document.Value;
}
