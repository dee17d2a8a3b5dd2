using System.Globalization;
using System.Text.Json;
using Tidemark.Bench.Engine;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

if (args.Contains("--help"))
{
    Console.WriteLine("usage: ./bench engine [--events N] [--batch N] [--users N] [--seconds S] [--only TEXT] [--json FILE]");
    return 0;
}
int events = Option("--events", 200_000), batch = Option("--batch", 10_000), users = Option("--users", 10_000);
var seconds = double.Parse(Text("--seconds") ?? "2", CultureInfo.InvariantCulture);
var only = Text("--only") ?? "";
var records = SampleEvents.Make(events, users, perSecond: 1000);
var bytesEach = records.Average(r => r.Value!.Length);
Console.WriteLine(FormattableString.Invariant($"{events:N0} events of {bytesEach:F0} bytes, {users:N0} users, batches of {batch:N0}, one thread, fastest round, per second of processor time"));
var results = new List<Measured>();

var eventType = Field.Named("event_type");
var minute = TimeSpan.FromMinutes(1);
Query PerMinute(string name) => Query.Named(name).Tumbling(minute).Watermark(minute).By("category");
var countAndSum = PerMinute("count_and_sum").Count("events").Sum("total", "price").Update();

Case("bare Utf8JsonReader loop", () => Baselines.BareReader(records));
Case("source-generated JsonSerializer", () => Baselines.Serializer(records));
Decode("decode");
Pipeline("decode + 1-minute window, count and sum by category", countAndSum);
Pipeline("decode + 1-minute window, exact distinct users by category", PerMinute("users").CountDistinct("users", "user_id", exactUpTo: 1_000_000).Update());
Pipeline("decode + all clickstream queries", [.. ClickstreamQueries.All]);
Columns("columns: 1-minute window, count", PerMinute("rows").Count("rows").Update());
Columns("columns: 1-minute window, count and sum by category", countAndSum);
Columns("columns: sum and average where purchase", PerMinute("sums").Sum("s", "price", eventType.Is("purchase")).Average("a", "price", eventType.Is("purchase")).Update());
Columns("columns: min and max", PerMinute("extremes").Min("least", "price").Max("greatest", "price").Update());
Columns("columns: exact distinct users by category", PerMinute("users").CountDistinct("users", "user_id", exactUpTo: 1_000_000).Update());
Columns("columns: estimated distinct users by category", PerMinute("users").CountDistinct("users", "user_id", exactUpTo: 0).Update());
Columns("columns: 1-minute window, count by user", Query.Named("by_user").Tumbling(minute).Watermark(minute).By("user_id").Count("rows").Update());
Columns("columns: all clickstream queries", [.. ClickstreamQueries.All]);
foreach (var query in ClickstreamQueries.All)
    Columns($"columns: {query.Name}", query);
Encode("encode segment (all tables)");
foreach (var keys in new[] { 10, 10_000, 1_000_000 })
{
    Stream($"columns: sessions, {keys:N0} keys", StreamCases.Sessions, keys, "in");
    if (keys >= 10_000)
        Stream($"columns: join within a second, {keys:N0} keys", StreamCases.Join, keys, "left", "right");
}
Stream("columns: deduplicate by id within a minute", StreamCases.Deduplicate, 10_000, "in");

if (Text("--json") is { } file)
    File.WriteAllText(file, JsonSerializer.Serialize(results.Select(r => new { r.Name, r.EventsPerSecond, r.BytesPerEvent }), new JsonSerializerOptions { WriteIndented = true }));
return 0;

void Case(string name, Action round)
{
    if (!name.Contains(only, StringComparison.OrdinalIgnoreCase))
        return;
    results.Add(Measured.Run(name, events, seconds, round));
    Console.WriteLine(FormattableString.Invariant($"{name,-60} {results[^1].EventsPerSecond,14:N0} events/s {results[^1].BytesPerEvent,8:F1} B/event"));
}

void Decode(string name)
{
    var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
    Case(name, () =>
    {
        foreach (var part in records.Chunks(batch))
            (pipeline.Decode(0, part, 0) as IDisposable)?.Dispose();
    });
}

void Pipeline(string name, params QueryDefinition[] queries)
{
    var pipeline = new EventPipeline(new EventOptions("shop"), queries);
    Case(name, () =>
    {
        foreach (var part in records.Chunks(batch))
        {
            var decoded = pipeline.Decode(0, part, 0);
            pipeline.Build(decoded, long.MinValue);
            (decoded as IDisposable)?.Dispose();
        }
    });
}

void Columns(string name, params QueryDefinition[] queries)
{
    var pipeline = new EventPipeline(new EventOptions("shop"), queries);
    var decoded = records.Chunks(batch).Select(part => pipeline.Decode(0, part, 0)).ToArray();
    Case(name, () =>
    {
        foreach (var part in decoded)
            pipeline.Build(part, long.MinValue);
    });
}

void Encode(string name)
{
    var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
    var segments = records.Chunks(batch).Select(part => pipeline.Build(pipeline.Decode(0, part, 0), long.MinValue)).ToArray();
    long bytes = 0;
    Case(name, () => bytes = segments.Sum(s => (long)SegmentCodec.Write(s).Length));
    if (bytes > 0)
        Console.WriteLine(FormattableString.Invariant($"{"",60} {bytes / (double)events,14:F1} bytes an event in the segment"));
}

void Stream(string name, StreamDefinition stream, int keys, params string[] inputs)
{
    if (!name.Contains(only, StringComparison.OrdinalIgnoreCase))
        return;
    var batches = StreamCases.Batches(events, batch, keys);
    StreamExecution? last = null;
    Case(name, () => last = StreamCases.Run(stream, batches, inputs));
    var rows = last!.StateRows("s");
    Console.WriteLine(FormattableString.Invariant($"{"",60} {rows,14:N0} entries in state, {last.Save().Length / (double)Math.Max(1, rows):F0} bytes each when saved"));
}

string? Text(string option) => Array.IndexOf(args, option) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;

int Option(string option, int standard) => Text(option) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : standard;
