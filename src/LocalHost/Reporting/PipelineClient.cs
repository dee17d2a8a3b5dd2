using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Tidemark.Functions.Status;

namespace Tidemark.LocalHost.Reporting;

/// <summary>Asks a running pipeline by its own HTTP functions.</summary>
internal sealed class PipelineClient : IDisposable
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private readonly HttpClient http;

    public PipelineClient(Uri address, string key)
    {
        http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
        http.DefaultRequestHeaders.Add("x-functions-key", key);
    }

    public async Task<StatusReport> StatusAsync(CancellationToken cancel) =>
        (await http.GetFromJsonAsync<StatusReport>("api/status", Options, cancel))!;

    /// <summary>Everything that the first page shows.</summary>
    public async Task<JsonElement> OverviewAsync(CancellationToken cancel) => await http.GetFromJsonAsync<JsonElement>("api/overview", Options, cancel);

    /// <summary>Says that the input has ended; false when the pipeline cannot take that yet.</summary>
    /// <param name="keepOpen">Windows that the watermark has not reached stay open.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="HttpRequestException">It refused for good.</exception>
    public async Task<bool> TryDrainAsync(bool keepOpen, CancellationToken cancel)
    {
        using var answer = await http.PostAsync(keepOpen ? "api/drain?keep-open=true" : "api/drain", null, cancel);
        if (answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable or HttpStatusCode.InternalServerError)
            return false;
        answer.EnsureSuccessStatusCode();
        return true;
    }

    public void Dispose() => http.Dispose();
}
