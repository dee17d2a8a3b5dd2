using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /</c> and <c>GET /assets/…</c>: the files of wwwroot, compiled in. They hold no data; that comes from the API with its keys.</summary>
public sealed class PageFunction
{
    private const string Root = "wwwroot/";

    private static readonly Dictionary<string, string> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".json"] = "application/json; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
        [".ico"] = "image/x-icon",
        [".woff2"] = "font/woff2",
    };

    /// <summary>The first page. The route's parameter can only be empty: a route of nothing would mean the function's name.</summary>
    [Function("Home")]
    public IActionResult Home([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "{nothing:maxlength(0)?}")] HttpRequest request) => File("index.html");

    /// <summary>What the page loads.</summary>
    [Function("Assets")]
    public IActionResult Assets([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "assets/{*path}")] HttpRequest request, string path) => File("assets/" + path);

    private static Reply File(string name)
    {
        // Names of resources are compared whole, so there is no path to climb out of.
        using var content = typeof(PageFunction).Assembly.GetManifestResourceStream(Root + name);
        if (content is null || !Types.TryGetValue(Path.GetExtension(name), out var type))
            return Reply.Problem(StatusCodes.Status404NotFound, "There is no such page.");
        var bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        return new Reply(StatusCodes.Status200OK, type, bytes, "no-cache");
    }
}
