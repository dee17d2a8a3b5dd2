using System.Net;
using System.Text;
using Azure.Core.Pipeline;
using Azure.Data.Tables;

namespace Tidemark.Tables.Tests.StandIn;

/// <summary>A service whose answers the test writes; keeps what it was asked.</summary>
internal sealed class Scripted(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
{
    public Uri Endpoint { get; } = new("https://account.table.example.net");

    public List<(string Method, Uri Uri, Dictionary<string, string> Headers)> Asked { get; } = [];

    public static HttpResponseMessage Json(int status, string body) =>
        new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    public TableClientOptions Options()
    {
        var options = new TableClientOptions { Transport = new HttpClientTransport(new HttpClient(this)) };
        options.Retry.Delay = TimeSpan.Zero;
        options.Retry.MaxDelay = TimeSpan.Zero;
        return options;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var headers = request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .ToDictionary(h => h.Key, h => string.Join(',', h.Value), StringComparer.OrdinalIgnoreCase);
        Asked.Add((request.Method.Method, request.RequestUri!, headers));
        var response = answer(request);
        response.RequestMessage = request;
        return Task.FromResult(response);
    }
}
