using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Tidemark.Functions.Http;

/// <summary>
/// <c>GET /</c> and <c>GET /assets/…</c>: the files of wwwroot, compiled in, with ETags and compressed. They hold no data; that comes from the API with
/// its keys.
/// </summary>
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
        [".txt"] = "text/plain; charset=utf-8",
        [".woff2"] = "font/woff2",
    };

    // Names of resources are compared whole, so there is no path to climb out of.
    private static readonly FrozenDictionary<string, KeptBody> Files = typeof(PageFunction).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Root, StringComparison.Ordinal) && Types.ContainsKey(Path.GetExtension(name)))
        .ToFrozenDictionary(name => name[Root.Length..], Read, StringComparer.Ordinal);

    /// <summary>The first page. The route's parameter can only be empty: a route of nothing would mean the function's name.</summary>
    [Function("Home")]
    public IActionResult Home([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "{nothing:maxlength(0)?}")] HttpRequest request) => File("index.html");

    /// <summary>What the page loads.</summary>
    [Function("Assets")]
    public IActionResult Assets([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "assets/{*path}")] HttpRequest request, string path) => File("assets/" + path);

    private static Reply File(string name) => Files.TryGetValue(name, out var file)
        ? new Reply(file, "no-cache")
        : Reply.Problem(StatusCodes.Status404NotFound, "There is no such page.");

    private static KeptBody Read(string resource)
    {
        using var content = typeof(PageFunction).Assembly.GetManifestResourceStream(resource)!;
        var bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        return new KeptBody(Types[Path.GetExtension(resource)], bytes);
    }
}
