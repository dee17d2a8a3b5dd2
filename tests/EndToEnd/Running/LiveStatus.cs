using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tidemark.EndToEnd.Running;

/// <summary>What a run says of itself at <c>/api/status</c>.</summary>
internal static partial class LiveStatus
{
    /// <summary>The status, by the address with its key that the program prints; null before it has printed one.</summary>
    public static async Task<JsonElement?> OfAsync(Run run)
    {
        if (Address().Match(run.Output) is not { Success: true } address)
            return null;
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("x-functions-key", address.Groups[2].Value);
        return JsonDocument.Parse(await http.GetStringAsync($"{address.Groups[1].Value}api/status")).RootElement;
    }

    /// <summary>Waits until the status is as wanted; fails when the run ends before.</summary>
    public static Task UntilAsync(Run run, Func<JsonElement?, bool> condition, TimeSpan limit) => Station.UntilAsync(async () =>
    {
        Assert.False(run.HasEnded, run.Transcript());
        return condition(await OfAsync(run));
    }, limit, run.Transcript);

    /// <summary>A count of the main topic or of a further one since the start, 0 before there is any.</summary>
    public static long Count(JsonElement? status, string name, string? topic = null)
    {
        if (status is not { } report || (topic is not null && !(report.TryGetProperty("sources", out var sources) && sources.TryGetProperty(topic, out report))))
            return 0;
        return report.GetProperty("counts").TryGetProperty(name, out var count) ? count.GetInt64() : 0;
    }

    /// <summary>Texts of the alerts.</summary>
    public static IEnumerable<string> Alerts(JsonElement? status) => status?.GetProperty("alerts").EnumerateArray().Select(a => a.GetProperty("text").GetString()!) ?? [];

    [GeneratedRegex(@"(http://localhost:\d+/)#key=(\w+)")]
    private static partial Regex Address();
}
