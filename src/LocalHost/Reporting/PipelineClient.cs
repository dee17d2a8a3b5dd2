using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Tidemark.Functions.Status;

namespace Tidemark.LocalHost.Reporting;

/// <summary>Asks a running pipeline by its own HTTP functions.</summary>
internal sealed class PipelineClient : IDisposable
{
    /// <summary>How long an answer may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private readonly HttpClient http;

    public PipelineClient(Uri address, string key)
    {
        http = new HttpClient { BaseAddress = address, Timeout = Patience };
        http.DefaultRequestHeaders.Add("x-functions-key", key);
    }

    /// <summary>How it is; null when it is too busy to answer in time.</summary>
    public Task<StatusReport?> StatusAsync(CancellationToken cancel) => AskAsync<StatusReport>("api/status", cancel);

    /// <summary>Everything that the first page shows; null when it is too busy to answer in time.</summary>
    public Task<JsonDocument?> OverviewAsync(CancellationToken cancel) => AskAsync<JsonDocument>("api/overview", cancel);

    /// <summary>Says that the input has ended; false when the pipeline cannot take that yet.</summary>
    /// <param name="keepOpen">Windows that the watermark has not reached stay open.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="HttpRequestException">It refused for good.</exception>
    public async Task<bool> TryDrainAsync(bool keepOpen, CancellationToken cancel)
    {
        try
        {
            using var answer = await http.PostAsync(keepOpen ? "api/drain?keep-open=true" : "api/drain", null, cancel);
            if (answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable or HttpStatusCode.InternalServerError)
                return false;
            answer.EnsureSuccessStatusCode();
            return true;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false; // Too busy; saying it twice does no harm.
        }
    }

    public void Dispose() => http.Dispose();

    private async Task<T?> AskAsync<T>(string path, CancellationToken cancel)
        where T : class
    {
        try
        {
            return await http.GetFromJsonAsync<T>(path, Options, cancel);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }
}
