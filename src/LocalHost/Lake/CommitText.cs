using System.Text.Json;
using Tidemark.Delta;

namespace Tidemark.LocalHost.Lake;

/// <summary>What a commit says of itself, for people.</summary>
internal static class CommitText
{
    /// <summary><c>operationMetrics</c> as <c>name=value</c>, in the order written; empty when there are none. Any writer's commit may come here.</summary>
    public static string Metrics(CommitInfo? info)
    {
        if (info is null)
            return "";
        using var json = JsonDocument.Parse(info.Json);
        return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("operationMetrics", out var metrics) && metrics.ValueKind == JsonValueKind.Object
            ? string.Join(' ', metrics.EnumerateObject().Select(m => $"{m.Name}={m.Value}"))
            : "";
    }
}
