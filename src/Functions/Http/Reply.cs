using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>An answer that writes itself, whatever formatters the host has. Nothing is cached unless said so, and content is what its type says.</summary>
internal sealed class Reply(int status, string contentType, ReadOnlyMemory<byte> body, string cacheControl = "no-store") : IActionResult
{
    /// <summary>HTTP status.</summary>
    public int Status => status;

    /// <summary>Bytes of the answer.</summary>
    public ReadOnlyMemory<byte> Body => body;

    /// <summary>An object as JSON in snake_case.</summary>
    public static Reply Json<T>(T value, int status = StatusCodes.Status200OK) =>
        new(status, "application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(value, StatusReport.Json));

    /// <summary>One sentence on what is wrong.</summary>
    public static Reply Problem(int status, string sentence) => Json(new { error = sentence }, status);

    public async Task ExecuteResultAsync(ActionContext context)
    {
        var response = context.HttpContext.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        response.Headers.CacheControl = cacheControl;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.ContentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        await response.Body.WriteAsync(body, context.HttpContext.RequestAborted);
    }
}
