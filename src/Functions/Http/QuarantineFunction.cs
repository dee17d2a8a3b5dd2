using System.Text.Json;
using Azure;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Functions.Api;
using Tidemark.Functions.Replay;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary><c>GET /api/quarantine</c> and <c>POST /api/quarantine/replay</c>.</summary>
public sealed class QuarantineFunction
{
    private const int MostReplays = 100;
    private const long LargestBody = 64 << 10;

    /// <summary>What a replay takes.</summary>
    internal static Schema BodySchema { get; } = Shapes.Of<AskedRecords>();

    private readonly Quarantines _quarantines;

    /// <summary>Made by the host.</summary>
    public QuarantineFunction(Quarantines quarantines) => _quarantines = quarantines;

    /// <summary>The newest quarantined records of a topic with reason, origin, the first 4 KB of their bytes, and what became of their replay.</summary>
    [Function("Quarantine")]
    public async Task<IActionResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/quarantine")] HttpRequest request, FunctionContext context) =>
        await Guarded.AnswerAsync(async () =>
        {
            var asked = new Asked(request, Endpoints.Quarantine);
            var topic = asked.Get(Parameters.Topic, HostedPipelines.Main);
            return asked.Problem ?? (_quarantines.Find(topic) is { } found
                ? new Reply(await found.View.GetAsync(_quarantines.Topics, context.CancellationToken))
                : Reply.Problem(StatusCodes.Status404NotFound, _quarantines.Missing(topic)));
        });

    /// <summary>
    /// Sends records to the topic again: <c>{"topic":"events","records":[{"partition":0,"offset":12}]}</c>, at most 100; without topic those of the main one. Answers an outcome for each;
    /// <see cref="QuarantineReplay"/> says what is promised.
    /// </summary>
    [Function("Replay")]
    public async Task<IActionResult> ReplayAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/quarantine/replay")] HttpRequest request, FunctionContext context)
    {
        if (request.ContentLength > LargestBody)
            return Reply.Problem(StatusCodes.Status413PayloadTooLarge, $"Ask for at most {MostReplays} records at a time.");
        AskedRecords? asked;
        try
        {
            asked = await JsonSerializer.DeserializeAsync<AskedRecords>(request.Body, StatusReport.Json, context.CancellationToken);
        }
        catch (JsonException e)
        {
            return Reply.Problem(StatusCodes.Status400BadRequest, $"The body is not as it should be, {{\"records\":[{{\"partition\":0,\"offset\":12}}]}}: {e.Message.Split('\n')[0]}");
        }

        if (asked?.Records is not { Count: > 0 and <= MostReplays } records)
            return Reply.Problem(StatusCodes.Status400BadRequest, $"Name 1 to {MostReplays} records.");
        if (_quarantines.Find(asked.Topic ?? HostedPipelines.Main) is not { } quarantine)
            return Reply.Problem(StatusCodes.Status404NotFound, _quarantines.Missing(asked.Topic ?? HostedPipelines.Main));
        var outcomes = new List<ReplayOutcome>();
        foreach (var record in records.Distinct())
            outcomes.Add(await quarantine.Replay.ReplayAsync(record.Partition, record.Offset, context.CancellationToken));
        quarantine.View.Changed();
        return Reply.Json(new { outcomes });
    }

    private sealed record AskedRecords(IReadOnlyList<AskedRecord>? Records, string? Topic = null);

    private sealed record AskedRecord(int Partition, long Offset);
}

/// <summary>The newest quarantined records of a topic, read at most every five seconds for all who look.</summary>
public sealed class QuarantineSource
{
    private const int Most = 300;
    private readonly LakeSource _lake;
    private readonly string _topic, _table;
    private readonly ReplayStore _replays;
    private readonly TimeProvider _time;
    private volatile Shared<KeptBody> _shared;

    internal QuarantineSource(LakeSource lake, string topic, string table, ReplayStore replays, TimeProvider time)
    {
        (_lake, _topic, _table, _replays, _time) = (lake, topic, table, replays, time);
        _shared = New();
    }

    /// <param name="topics">The topics that can be asked for.</param>
    /// <param name="cancel">Ends waiting.</param>
    internal Task<KeptBody> GetAsync(IReadOnlyList<string> topics, CancellationToken cancel) => _shared.GetAsync(stop => MakeAsync(topics, stop), cancel);

    /// <summary>A replay was asked for: the next viewer reads again.</summary>
    internal void Changed() => _shared = New();

    private Shared<KeptBody> New() => new(TimeSpan.FromSeconds(5), _time);

    private async Task<KeptBody> MakeAsync(IReadOnlyList<string> topics, CancellationToken cancel)
    {
        var scan = await _lake.ScanAsync(_table, new ScanFilter(), (_, _) => true, Most, cancel);
        var replays = await ReplaysAsync(cancel);
        var schema = EventTables.Quarantine.Schema;
        var (p, o) = (schema.IndexOf("kafka_partition"), schema.IndexOf("kafka_offset"));
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("topic", _topic);
            json.WriteStartArray("topics");
            foreach (var topic in topics)
                json.WriteStringValue(topic);
            json.WriteEndArray();
            json.WriteString("table", _table);
            json.WriteBoolean("complete", scan.IsComplete);
            json.WriteStartArray("records");
            foreach (var (rows, row) in scan.Found)
            {
                json.WriteStartObject();
                json.WritePropertyName("record");
                RowObject.Write(json, rows, row);
                if (replays.TryGetValue((((Domain.Columns.Int32Column)rows.Columns[p]).Values[row], ((Domain.Columns.Int64Column)rows.Columns[o]).Values[row]), out var replay))
                {
                    json.WritePropertyName("replay");
                    JsonSerializer.Serialize(json, replay, StatusReport.Json);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return new KeptBody("application/json; charset=utf-8", bytes.ToArray());
    }

    private async Task<IReadOnlyDictionary<(int Partition, long Offset), ReplayRow>> ReplaysAsync(CancellationToken cancel)
    {
        try
        {
            return await _replays.ListAsync(cancel);
        }
        catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
        {
            return new Dictionary<(int, long), ReplayRow>();
        }
    }
}
