using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Tidemark.LocalHost.Tests.Web;

public sealed class HttpFunctionsTests
{
    public sealed class Pages
    {
        [Function("Open")]
        public string Open([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "open/{name}/{count:int?}")] HttpRequest request, string name, int count = 1) =>
            string.Concat(Enumerable.Repeat(name, count));

        [Function("Guarded")]
        public IActionResult Guarded([HttpTrigger(AuthorizationLevel.Function, "get", "post")] HttpRequest request) => new OkObjectResult(new { ok = true });

        [Function("Managed")]
        public async Task<IActionResult> Managed([HttpTrigger(AuthorizationLevel.Admin, "post", Route = "admin-only")] HttpRequest request, FunctionContext context)
        {
            await Task.Yield();
            return new StatusCodeResult(context.Items.Count > 0 ? 202 : 500);
        }

        [Function("Broken")]
        public string Broken([HttpTrigger(AuthorizationLevel.Anonymous)] HttpRequest request) => throw new InvalidOperationException("secret detail");
    }

    [Fact]
    public async Task Routes_prefixes_methods_levels_and_route_values_are_honoured()
    {
        await using var host = await TestHost.StartAsync([typeof(Pages)], []);
        using var http = new HttpClient { BaseAddress = host.Host.Address };
        Assert.Equal("abab", await http.GetStringAsync("api/open/ab/2"));
        Assert.Equal("ab", await http.GetStringAsync("api/open/ab"));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("open/ab")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.PostAsync("api/open/ab", null)).StatusCode);

        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("api/Guarded")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("api/Guarded?code=wrong")).StatusCode);
        Assert.Equal("""{"ok":true}""", await http.GetStringAsync($"api/guarded?code={host.Host.Keys.Function}"));

        http.DefaultRequestHeaders.Add("x-functions-key", host.Host.Keys.Function);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.PostAsync("api/admin-only", null)).StatusCode);
        http.DefaultRequestHeaders.Remove("x-functions-key");
        http.DefaultRequestHeaders.Add("x-functions-key", host.Host.Keys.Master);
        Assert.Equal(HttpStatusCode.Accepted, (await http.PostAsync("api/admin-only", null)).StatusCode);

        var broken = await http.GetAsync("api/Broken");
        Assert.Equal(HttpStatusCode.InternalServerError, broken.StatusCode);
        Assert.DoesNotContain("secret", await broken.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains(host.Log.Errors, e => e.Contains("secret detail", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Keys_stay_the_same_for_a_folder()
    {
        using var folder = new TestFolder();
        string first;
        await using (var host = await TestHost.StartAsync([typeof(Pages)], [], folder: folder.Path))
            first = host.Host.Keys.Master;
        await using var again = await TestHost.StartAsync([typeof(Pages)], [], folder: folder.Path);
        Assert.Equal(first, again.Host.Keys.Master);
    }
}
