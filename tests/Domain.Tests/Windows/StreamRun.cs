using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Tests.Events;

namespace Tidemark.Domain.Tests.Windows;

/// <summary>A random stream through a pipeline: several partitions, any batches, a frontier that only grows; every segment goes through its binary form.</summary>
internal sealed class StreamRun
{
    private const long Base = 1_705_314_600_000;
    private readonly Random random;
    private long newest = Base;

    public StreamRun(int seed, IReadOnlyList<QueryDefinition>? queries = null)
    {
        random = new Random(seed);
        var source = new RandomQueries(random);
        Queries = queries ?? [.. Enumerable.Range(0, random.Next(1, 5)).Select(i => source.Next($"q{i}"))];
        Pipeline = new EventPipeline(new EventOptions("shop") { EarliestEventTime = DateTime.UnixEpoch, DeduplicateWithin = TimeSpan.Zero }, Queries, EntitySpan = TimeSpan.FromSeconds(random.Next(1, 400)));
        var next = new long[random.Next(1, 4)];
        long? frontier = random.Next(2) == 0 ? null : Base - 60_000;
        for (var batches = random.Next(1, 15); batches > 0; batches--)
        {
            Batch(random.Next(next.Length), next, frontier ?? long.MinValue / 4);
            if (random.Next(2) == 0)
                frontier = Math.Max(frontier ?? long.MinValue, newest - random.Next(0, 120_000));
        }
    }

    public IReadOnlyList<QueryDefinition> Queries { get; }

    public EventPipeline Pipeline { get; }

    public TimeSpan EntitySpan { get; }

    public List<JudgedEvent> Events { get; } = [];

    public List<(EntityKey Key, byte[] Partial)> Partials { get; } = [];

    public List<RowBatch> Late { get; } = [];

    /// <summary>Batches of events, each with the frontier that it was judged by.</summary>
    public List<(RowBatch Rows, long Frontier)> Silver { get; } = [];

    /// <summary>States from the partials merged in some order, saved and loaded now and then.</summary>
    public Dictionary<EntityKey, IFoldState> Fold(int seed)
    {
        var shuffle = new Random(seed);
        var states = new Dictionary<EntityKey, IFoldState>();
        foreach (var (key, partial) in Partials.OrderBy(_ => shuffle.Next()).ToArray())
        {
            var bytes = partial;
            if (!states.TryGetValue(key, out var state))
                state = Pipeline.Load(key, shuffle.Next(2) == 0 ? [] : Pipeline.Load(key, []).Save());
            else if (shuffle.Next(4) == 0)
                (state, bytes) = (Pipeline.Load(key, bytes), state.Save());
            state.Merge(bytes);
            states[key] = shuffle.Next(3) == 0 ? Pipeline.Load(key, state.Save()) : state;
        }
        return states;
    }

    private void Batch(int partition, long[] next, long frontier)
    {
        var records = Enumerable.Range(0, random.Next(0, 60)).Select(_ => new SourceRecord(next[partition]++, newest + 100_000, null, Event(), [])).ToArray();
        using var decoded = (DecodedEvents)Pipeline.Decode(partition, records, newest);
        if (random.Next(3) == 0)
            Pipeline.Build(decoded, frontier - random.Next(100_000));
        var segment = SegmentCodec.Read(SegmentCodec.Write(Pipeline.Build(decoded, frontier)));
        Partials.AddRange(segment.Partials.Select(p => (p.Key, p.Value.ToArray())));
        if (segment.Rows.TryGetValue("silver/late", out var late))
            Late.Add(late);
        if (segment.Rows.TryGetValue("silver/events", out var silver))
            Silver.Add((silver, frontier));
        foreach (var record in records)
            if (NaiveDecoder.Decode(record.Value, record.KafkaTimeMs).Row is { } row)
            {
                row["kafka_partition"] = partition.ToString(CultureInfo.InvariantCulture);
                row["kafka_offset"] = record.Offset.ToString(CultureInfo.InvariantCulture);
                Events.Add(new JudgedEvent(row, (long)NaiveWindows.Number(row["event_time"]!), frontier));
            }
    }

    private byte[] Event()
    {
        newest += random.Next(0, 3000);
        var time = newest * 1000 + random.Next(1000) - (random.Next(5) == 0 ? random.NextInt64(200_000_000) : random.NextInt64(5_000_000));
        var parts = new List<string>
        {
            $"\"event_id\":\"e{random.Next(1_000_000)}\"",
            $"\"event_type\":\"{Pick(["view", "page_view", "add_to_cart", "purchase", "refund"])}\"",
            FormattableString.Invariant($"\"ts\":{time / 1000}.{time % 1000:000}"),
        };
        Maybe(parts, 0.97, "user_id", $"\"u{random.Next(12)}\"");
        Maybe(parts, 0.8, "session_id", $"\"s{random.Next(20)}\"");
        Maybe(parts, 0.8, "category", $"\"{Pick(["a", "b", "", "a\\u0000", "a\\u0000b", "ü", "\\u0001"])}\"");
        Maybe(parts, 0.8, "country", $"\"{Pick(["DE", "AT", "a"])}\"");
        Maybe(parts, 0.7, "price", Pick(["9.99", "0", "5", "-1.5", "2.00005", "99999999999999.9999"]));
        Maybe(parts, 0.7, "quantity", random.Next(-3, 9).ToString(CultureInfo.InvariantCulture));
        Maybe(parts, 0.7, "revenue", (random.Next(-10_000, 100_000) / 100m).ToString(CultureInfo.InvariantCulture));
        return Encoding.UTF8.GetBytes($"{{{string.Join(',', parts)}}}");
    }

    private void Maybe(List<string> parts, double rate, string name, string value)
    {
        if (random.NextDouble() < rate)
            parts.Add($"\"{name}\":{value}");
    }

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];
}
