using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>
/// An answer that writes itself, whatever formatters the host has. Nothing is cached unless said so, and content is what its type says. A
/// <see cref="KeptBody"/> is answered with 304 where the caller has it already.
/// </summary>
internal sealed class Reply : IActionResult
{
    private readonly string _contentType;
    private readonly string _cacheControl;
    private readonly KeptBody? _kept;

    public Reply(int status, string contentType, ReadOnlyMemory<byte> body, string cacheControl = "no-store") =>
        (Status, _contentType, Body, _cacheControl) = (status, contentType, body, cacheControl);

    /// <summary>Content with an ETag: a cache may keep it for this caller, and asks before each use.</summary>
    public Reply(KeptBody kept, string cacheControl = "private, no-cache")
        : this(StatusCodes.Status200OK, kept.ContentType, kept.Bytes, cacheControl) => _kept = kept;

    /// <summary>HTTP status.</summary>
    public int Status { get; }

    /// <summary>Bytes of the answer, as they are before any compression.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Name that a browser saves the answer under; null to show it.</summary>
    public string? FileName { get; init; }

    /// <summary>An object as JSON in snake_case.</summary>
    public static Reply Json<T>(T value, int status = StatusCodes.Status200OK) =>
        new(status, "application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(value, StatusReport.Json));

    /// <summary>The same with an ETag.</summary>
    public static Reply Tagged<T>(T value, JsonSerializerOptions? options = null) => new(KeptBody.Json(value, options));

    /// <summary>Headers of this answer, such as the link to the next page.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The answer depends on the header Accept.</summary>
    public bool Negotiated { get; init; }

    /// <summary>One sentence on what is wrong, in the form of RFC 9457.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="sentence">What is wrong and what to do.</param>
    /// <param name="parameter">The parameter that is wrong; null where it is none.</param>
    /// <param name="retryAfterSeconds">When to ask again; null where that does not help.</param>
    public static Reply Problem(int status, string sentence, string? parameter = null, int? retryAfterSeconds = null) =>
        new(status, "application/problem+json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(new ProblemBody("about:blank", ReasonPhrases.GetReasonPhrase(status), status, sentence, parameter), ProblemBody.Json))
        {
            Headers = retryAfterSeconds is { } seconds ? [("Retry-After", seconds.ToString(CultureInfo.InvariantCulture))] : [],
        };

    public async Task ExecuteResultAsync(ActionContext context)
    {
        var (request, response) = (context.HttpContext.Request, context.HttpContext.Response);
        response.StatusCode = Status;
        response.Headers.CacheControl = _cacheControl;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.ContentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        foreach (var (name, value) in Headers)
            response.Headers[name] = value;
        var body = Body;
        if (_kept is not null)
        {
            response.Headers.ETag = _kept.ETag;
            response.Headers.Vary = Negotiated ? "Accept, Accept-Encoding" : "Accept-Encoding";
            if (request.Headers.IfNoneMatch.Any(tags => tags?.Trim() == "*" || tags?.Contains(_kept.ETag["W/".Length..], StringComparison.Ordinal) == true))
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }

            if (_kept.Gzip is { } gzip && request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
            {
                response.Headers.ContentEncoding = "gzip";
                body = gzip;
            }
        }

        if (FileName is not null)
            response.Headers.ContentDisposition = $"attachment; filename=\"{FileName}\"";
        response.ContentType = _contentType;
        response.ContentLength = body.Length;
        if (HttpMethods.IsHead(request.Method))
            return;
        await response.Body.WriteAsync(body, context.HttpContext.RequestAborted);
    }
}

/// <summary>What is wrong, as RFC 9457 has it.</summary>
/// <param name="Type">Kind of problem; <c>about:blank</c>: the status says it.</param>
/// <param name="Title">The status in words.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Detail">What is wrong and what to do.</param>
/// <param name="Parameter">The parameter that is wrong; absent where it is none.</param>
internal sealed record ProblemBody(string Type, string Title, int Status, string Detail, string? Parameter)
{
    internal static readonly JsonSerializerOptions Json = new(StatusReport.Json) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
}
