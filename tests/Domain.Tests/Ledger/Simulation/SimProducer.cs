using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Fills the topic: skewed partitions, disorder, late events, broken records, silent partitions, control records, retention.</summary>
internal sealed class SimProducer(SimWorld world, SimTopicData topic, Scenario scenario)
{
    private const long Origin = 1_600_000_000_000;

    private readonly Dictionary<int, List<byte[]>> _sent = [];
    private int _ids;

    public bool IsDone { get; private set; }

    /// <summary>Whether it has been noticed that the log of a partition was cut.</summary>
    public Func<int, bool> IsNoticed { get; init; } = _ => true;

    /// <summary>Up to where a partition is read.</summary>
    public Func<int, long> NextOf { get; init; } = _ => 0;

    public void Start()
    {
        if (scenario.Orderly)
            foreach (var partition in topic.Partitions.Keys.ToList())
                for (var i = 0; i < scenario.EventsPerPartition; i++)
                    Produce(partition, i);
        if (scenario.Orderly)
            IsDone = true;
        else
            world.Start(LoopAsync);
    }

    private async Task LoopAsync()
    {
        var counts = topic.Partitions.Keys.ToDictionary(p => p, _ => 0);
        var appearsAt = scenario.PartitionAppears ? scenario.EventsPerPartition / 2 : -1;
        while (counts.Any(c => c.Value < scenario.EventsPerPartition))
        {
            await world.StepAsync(null, world.Random.Next(300));
            var open = counts.Where(c => c.Value < scenario.EventsPerPartition).Select(c => c.Key).ToList();
            var partition = open[world.Random.Next(open.Count)];
            if (world.Random.Next(200) == 0)
                await world.StepAsync(null, 40_000);
            // A log that grew beyond what was read before anybody looked cannot be told from one that was never cut.
            if (topic.Partitions[partition].CutBelow > 0 && !IsNoticed(partition))
                continue;
            Produce(partition, counts[partition]++);
            if (scenario.CutsLog)
                await CutAsync(partition);
            if (counts.Values.Sum() == appearsAt)
            {
                var late = topic.Partitions.Count;
                topic.Partitions[late] = new SimPartition();
                counts[late] = 0;
                Produce(late, counts[late]++);
                Produce(late, counts[late]++);
            }

            if (scenario.Retention && world.Random.Next(30) == 0)
                Retain(partition);
        }

        IsDone = true;
    }

    /// <summary>Cuts the log of a partition once, when it is read to its end, so that nothing is under way of what goes.</summary>
    private async Task CutAsync(int partition)
    {
        var log = topic.Partitions[partition];
        if (log.CutBelow > 0 || log.End < 12)
            return;
        await world.StepAsync(null, 4_000);
        if (NextOf(partition) == log.End)
            log.Cut(log.End - 1 - world.Random.Next(8));
    }

    private void Retain(int partition)
    {
        var log = topic.Partitions[partition];
        log.Retain(Math.Max(log.Start, log.End - 3 - world.Random.Next(10)));
    }

    private void Produce(int partition, int index)
    {
        var log = topic.Partitions[partition];
        if (scenario.ControlRecords && world.Random.Next(6) == 0)
            log.End++;
        var random = world.Random;
        var time = Origin + index * (1_500L + partition * 200);
        if (!scenario.Orderly)
            time += random.Next(12) switch { 0 => -random.Next(60_000), < 4 => -random.Next(9_000), _ => random.Next(800) };
        if (!_sent.TryGetValue(partition, out var sent))
            _sent[partition] = sent = [];
        byte[]? value;
        if (random.Next(25) == 0 && !scenario.Orderly)
            value = random.Next(2) == 0 ? null : new byte[random.Next(23)];
        else if (random.NextDouble() < scenario.DuplicateRate && sent.Count > 0)
            value = Again(sent[Math.Max(0, sent.Count - 1 - random.Next(scenario.Orderly || random.Next(2) == 0 ? 4 : sent.Count))], random);
        else
            sent.Add(value = new ToyEvent(time, random.Next(3), random.Next(1, 50), ++_ids).Encode());
        // What is there before anything starts was written over a while.
        var ago = scenario.Orderly ? (scenario.EventsPerPartition - index) * 100 : 0;
        log.Append(new SourceRecord(0, world.NowMs - ago, null, value, []));
    }

    /// <summary>An event once more: the same bytes, or with an event time of its own, as producers that stamp when they send do.</summary>
    private byte[] Again(byte[] sent, Random random)
    {
        var e = ToyEvent.Decode(sent)!.Value;
        return (scenario.Orderly || random.Next(3) > 0 ? e : e with { TimeMs = e.TimeMs + random.Next(-2_000, 4_000) }).Encode();
    }
}
