using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Schemas;

namespace Tidemark.Functions.Schemas;

/// <summary>
/// Asks a schema registry (Confluent's HTTP interface, <c>GET /schemas/ids/{id}</c>) for the schemas that records name, each once: schemas never change under
/// their id. One that the registry lacks is asked for again after a minute. While the registry does not answer, batches that name schemas not seen yet fail and
/// are delivered again, so nothing is lost and nothing is judged by guess.
/// </summary>
internal sealed class SchemaRegistry(HttpClient http, EventSchemas schemas, TimeProvider time)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromMinutes(1);
    private readonly Dictionary<int, long> _missing = [];

    /// <summary>The client for a registry; user and password go as basic authentication.</summary>
    public static HttpClient Client(Uri address, string? user, string? password)
    {
        var client = new HttpClient { BaseAddress = new Uri(address.ToString().TrimEnd('/') + "/"), Timeout = TimeSpan.FromSeconds(20) };
        client.DefaultRequestHeaders.Accept.ParseAdd("application/vnd.schemaregistry.v1+json, application/json");
        if (user is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        return client;
    }

    /// <summary>Fetches the schemas that these records name and that are not known yet.</summary>
    public async ValueTask PrepareAsync(IReadOnlyList<SourceRecord> records, CancellationToken cancel)
    {
        HashSet<int>? wanted = null;
        for (var i = 0; i < records.Count; i++)
            if (records[i].Value is { Length: > 0 } value && value[0] == 0 && WireFormat.SchemaId(value) is { } id && !schemas.Knows(id))
                (wanted ??= []).Add(id);
        foreach (var id in wanted ?? [])
            if (IsDue(id))
                await FetchAsync(id, cancel);
    }

    private bool IsDue(int id)
    {
        lock (_missing)
            return !_missing.TryGetValue(id, out var at) || time.GetElapsedTime(at) >= AskAgain;
    }

    private async Task FetchAsync(int id, CancellationToken cancel)
    {
        using var answer = await http.GetAsync($"schemas/ids/{id}", cancel);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            lock (_missing)
                _missing[id] = time.GetTimestamp();
            return;
        }

        if (!answer.IsSuccessStatusCode)
            throw new HttpRequestException($"The schema registry at {http.BaseAddress} answered {(int)answer.StatusCode} for schema {id}; look at its log and at SchemaRegistryUser.", null, answer.StatusCode);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancel));
        // AVRO is the default of the interface: it is not named then.
        var kind = document.RootElement.TryGetProperty("schemaType", out var type) ? type.GetString() ?? "AVRO" : "AVRO";
        if (string.Equals(kind, "JSON", StringComparison.OrdinalIgnoreCase))
            schemas.Add(id, Encoding.UTF8.GetBytes(document.RootElement.GetProperty("schema").GetString() ?? ""));
        else
            schemas.AddUnsupported(id, kind.ToLowerInvariant());
    }
}
