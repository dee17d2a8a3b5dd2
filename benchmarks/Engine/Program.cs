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
    Console.WriteLine("usage: ./bench engine [--events N] [--batch N] [--users N] [--seconds S] [--only TEXT] [--input FILE] [--json FILE]");
    return 0;
}
int events = Option("--events", 200_000), batch = Option("--batch", 10_000), users = Option("--users", 10_000);
var seconds = double.Parse(Text("--seconds") ?? "1", CultureInfo.InvariantCulture);
var only = Text("--only") ?? "";
var results = new List<Measured>();
string? toLoad = null;
using var duckDb = DuckDb.TryStart();
var folder = Directory.CreateTempSubdirectory("tidemark-bench-").FullName;
var records = Text("--input") is { } input ? SampleEvents.Read(input, events) : SampleEvents.Make(events, users, perSecond: 1000);
events = records.Length;
var json = Path.Combine(folder, "events.ndjson");
using (var file = File.Create(json))
    foreach (var record in records)
    {
        file.Write(record.Value);
        file.WriteByte((byte)'\n');
    }
Console.WriteLine(FormattableString.Invariant($"{events:N0} events of {records.Average(r => r.Value!.Length):F0} bytes, {users:N0} users, batches of {batch:N0}, one thread, fastest round, per second of processor time"));
if (duckDb is null)
    Console.WriteLine("DuckDB is not installed, so there is nothing of it below; eng/setup.sh --bench installs it.");

var eventType = Field.Named("event_type");
var minute = TimeSpan.FromMinutes(1);
Query PerMinute(string name) => Query.Named(name).Tumbling(minute).Watermark(minute).By("category");
var countAndSum = PerMinute("count_and_sum").Count("events").Sum("total", "price").Update();
try
{
    Console.WriteLine("\nfrom JSON");
    Case("bare Utf8JsonReader loop", () => Baselines.BareReader(records));
    Case("source-generated JsonSerializer", () => Baselines.Serializer(records));
    Decode("decode");
    Pipeline("decode + 1-minute window, count and sum by category", countAndSum);
    Duck("DuckDB: JSON to 1-minute window, count and sum by category", $"select time_bucket(interval 1 minute, timestamp), category, count(*), sum(price) from {FromJson()} group by all");
    Pipeline("decode + 1-minute window, exact distinct users by category", PerMinute("users").CountDistinct("users", "user_id", exactUpTo: 1_000_000).Update());
    Pipeline("decode + all clickstream queries", [.. ClickstreamQueries.All]);
    Encode("encode segment (all tables)");

    Console.WriteLine("\ncolumns that are decoded already");
    Load($"create table events as select timestamp, user_id, category, price from {FromJson()}");
    Columns("columns: 1-minute window, count", PerMinute("rows").Count("rows").Update());
    Columns("columns: 1-minute window, count and sum by category", countAndSum);
    Duck("DuckDB: columns, count and sum by category", "select time_bucket(interval 1 minute, timestamp), category, count(*), sum(price) from events group by all");
    Columns("columns: sum and average where purchase", PerMinute("sums").Sum("s", "price", eventType.Is("purchase")).Average("a", "price", eventType.Is("purchase")).Update());
    Columns("columns: exact distinct users by category", PerMinute("users").CountDistinct("users", "user_id", exactUpTo: 1_000_000).Update());
    Duck("DuckDB: columns, exact distinct users by category", "select time_bucket(interval 1 minute, timestamp), category, count(distinct user_id) from events group by all");
    Columns("columns: all clickstream queries", [.. ClickstreamQueries.All]);
    foreach (var query in ClickstreamQueries.All)
        Columns($"columns: clickstream {query.Name}", query);

    Console.WriteLine("\nclickstream streams over silver rows, second half of the events");
    Clickstream();

    foreach (var keys in new[] { 10, 10_000, 100_000, 1_000_000 })
    {
        Console.WriteLine(FormattableString.Invariant($"\n{keys:N0} keys"));
        if (keys != 100_000)
            Aggregates(keys);
        var batches = StreamCases.Batches(2 * events, batch, keys);
        StreamCases.Write(Path.Combine(folder, "rows.csv"), batches);
        Load($"create or replace table rows as select * from read_csv('{folder}/rows.csv', header = false, columns = {{'id': 'VARCHAR', 'user': 'VARCHAR', 'time': 'BIGINT', 'value': 'BIGINT'}})");
        Stream($"sessions by user, {keys:N0} keys", StreamCases.Sessions, batches, "in");
        Duck($"DuckDB: sessionize by user, {keys:N0} keys", """
            select user, session, min(time), max(time), count(*), sum(value) from (select *, sum(opens) over (partition by user order by time) as session
            from (select *, (time - lag(time, 1, 0) over (partition by user order by time) > 30000000)::int as opens from rows)) group by all
            """, 2 * events);
        if (keys >= 10_000)
            Stream($"join by user within a second, {keys:N0} keys", StreamCases.Join, batches, "left", "right");
        Stream($"deduplicate by id and user, {keys:N0} keys", StreamCases.Deduplicate, batches, "in");
        Duck($"DuckDB: deduplicate, {keys:N0} keys", "select distinct id, user from rows", 2 * events);
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}

Goals.Print(results);
if (Text("--json") is { } report)
    File.WriteAllText(report, JsonSerializer.Serialize(results.Select(r => new { r.Name, r.EventsPerSecond, r.BytesPerEvent }), new JsonSerializerOptions { WriteIndented = true }));
return 0;

string FromJson() => $$"""
    read_json('{{json}}', format = 'newline_delimited', columns = {event_id: 'VARCHAR', event_type: 'VARCHAR', timestamp: 'TIMESTAMPTZ', user_id: 'VARCHAR', session_id: 'VARCHAR',
    product_id: 'VARCHAR', category: 'VARCHAR', price: 'DECIMAL(18,4)', quantity: 'BIGINT', revenue: 'DECIMAL(18,4)', device_type: 'VARCHAR', country: 'VARCHAR'})
    """;

void Case(string name, Action round) => With(name, events, () => 0, _ => round());

void With<T>(string name, int count, Func<T> setUp, Action<T> round)
{
    if (name.Contains(only, StringComparison.OrdinalIgnoreCase))
        Note(Measured.Run(name, count, seconds, setUp, round));
}

void Note(Measured measured)
{
    results.Add(measured);
    Console.WriteLine(FormattableString.Invariant($"{measured.Name,-62} {measured.EventsPerSecond,14:N0} events/s {measured.BytesPerEvent,8:F1}{(measured.BytesPerEvent is null ? "" : " B/event")}"));
}

// Only once something needs it.
void Load(string sql) => toLoad = sql;

void Duck(string name, string sql, int? count = null)
{
    if (duckDb is null || !name.Contains(only, StringComparison.OrdinalIgnoreCase))
        return;
    if (toLoad is { } load)
        duckDb.Run(load);
    toLoad = null;
    Note(new Measured(name, (count ?? events) / duckDb.Fastest(sql, seconds), null));
}

void Decode(string name)
{
    var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
    Case(name, () =>
    {
        foreach (var part in records.Chunks(batch))
            pipeline.Decode(0, part, 0).Dispose();
    });
}

void Pipeline(string name, params QueryDefinition[] queries)
{
    var pipeline = new EventPipeline(new EventOptions("shop"), queries);
    Case(name, () =>
    {
        foreach (var part in records.Chunks(batch))
        {
            using var decoded = pipeline.Decode(0, part, 0);
            pipeline.Build(decoded, long.MinValue);
        }
    });
}

void Columns(string name, params QueryDefinition[] queries)
{
    if (!name.Contains(only, StringComparison.OrdinalIgnoreCase))
        return;
    var pipeline = new EventPipeline(new EventOptions("shop"), queries);
    var decoded = records.Chunks(batch).Select(part => pipeline.Decode(0, part, 0)).ToArray();
    Case(name, () =>
    {
        foreach (var part in decoded)
            pipeline.Build(part, long.MinValue);
    });
}

void Clickstream()
{
    const string Behind = "also_viewed", All = "all streams over silver, one pass";
    if (!new ClickstreamCases(records[..1], 1).Names.Append(Behind).Append(All).Any(n => n.Contains(only, StringComparison.OrdinalIgnoreCase)))
        return;
    // Slower than the rest, so that sessions close within the events there are.
    var cases = new ClickstreamCases(Text("--input") is null ? SampleEvents.Make(events, users, perSecond: 20) : records, batch);
    foreach (var name in cases.Names)
        With(name, cases.Measured, () => cases.Begin(name), cases.Run);
    With(All, cases.Measured, () => cases.Begin([.. cases.Names]), cases.Run);
    With(Behind, cases.Measured, () => cases.BeginBehind("user_sessions", Behind), with =>
    {
        var output = new List<RowBatch>();
        foreach (var rows in with.Rows)
            with.State.Add(rows, output);
    });
}

void Aggregates(int keys)
{
    var own = SampleEvents.Make(events, keys, perSecond: 1000);
    foreach (var (name, query) in AggregateCases.All)
    {
        var title = FormattableString.Invariant($"columns: 1-minute window by user, {name}, {keys:N0} keys");
        if (!title.Contains(only, StringComparison.OrdinalIgnoreCase))
            continue;
        var pipeline = new EventPipeline(new EventOptions("shop"), [query]);
        var decoded = own.Chunks(batch).Select(part => pipeline.Decode(0, part, 0)).ToArray();
        Case(title, () =>
        {
            foreach (var part in decoded)
                pipeline.Build(part, long.MinValue);
        });
        Console.WriteLine(FormattableString.Invariant($"{"",62} {AggregateCases.StateBytes(pipeline, decoded),14:F0} bytes of state a window and key"));
    }
}

void Encode(string name)
{
    if (!name.Contains(only, StringComparison.OrdinalIgnoreCase))
        return;
    var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
    var segments = records.Chunks(batch).Select(part => pipeline.Build(pipeline.Decode(0, part, 0), long.MinValue)).ToArray();
    long bytes = 0;
    Case(name, () => bytes = segments.Sum(s => (long)SegmentCodec.Write(s).Length));
    Console.WriteLine(FormattableString.Invariant($"{"",62} {bytes / (double)events,14:F1} bytes an event in the segment"));
}

// The first half of the rows fills the state and is not measured.
void Stream(string name, StreamDefinition stream, List<RowBatch> batches, params string[] inputs)
{
    if (!name.Contains(only, StringComparison.OrdinalIgnoreCase))
        return;
    var half = batches.Count / 2;
    StreamExecution? last = null;
    With(name, batches.Skip(half).Sum(b => b.Count), () => last = StreamCases.Begin(stream, batches, half, inputs), execution => StreamCases.Run(execution, batches, half, batches.Count, inputs));
    var rows = last!.StateRows("s");
    Console.WriteLine(FormattableString.Invariant($"{"",62} {rows,14:N0} entries in state, {last.Save().Length / (double)Math.Max(1, rows):F0} bytes each when saved"));
}

string? Text(string option) => Array.IndexOf(args, option) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;

int Option(string option, int standard) => Text(option) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : standard;
