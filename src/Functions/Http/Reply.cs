using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
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

    public Reply(KeptBody kept, string cacheControl = "no-store")
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

    /// <summary>One sentence on what is wrong.</summary>
    public static Reply Problem(int status, string sentence) => Json(new { error = sentence }, status);

    public async Task ExecuteResultAsync(ActionContext context)
    {
        var (request, response) = (context.HttpContext.Request, context.HttpContext.Response);
        response.StatusCode = Status;
        response.Headers.CacheControl = _cacheControl;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.ContentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        var body = Body;
        if (_kept is not null)
        {
            response.Headers.ETag = _kept.ETag;
            response.Headers.Vary = "Accept-Encoding";
            if (request.Headers.IfNoneMatch.Any(tags => tags?.Contains(_kept.ETag, StringComparison.Ordinal) == true))
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
        await response.Body.WriteAsync(body, context.HttpContext.RequestAborted);
    }
}
