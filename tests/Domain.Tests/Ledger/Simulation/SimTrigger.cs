using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>
/// Instances of a Kafka trigger: batches that mix partitions, redelivery with other boundaries, repeats after a rebalance, two owners of one
/// partition, records skipped for good, a consumer that dies without a word.
/// </summary>
internal sealed class SimTrigger(SimWorld world, SimTopicData topic, Func<SimActor, Ingest> newIngest, int instances)
{
    private readonly Dictionary<int, int> _owner = [];

    public List<SimActor> Actors { get; } = [];

    public double SkipRate { get; init; }

    public double StallRate { get; init; }

    public double RepeatRate { get; init; }

    /// <summary>When the last injected trouble is over: afterwards everything is delivered.</summary>
    public bool IsCalm { get; set; }

    public void Start()
    {
        for (var i = 0; i < instances; i++)
            Spawn(i, 1);
    }

    public void Respawn(SimActor dead)
    {
        var parts = dead.Name.Split('.');
        Spawn(int.Parse(parts[0]["ingest".Length..]), int.Parse(parts[1]) + 1);
    }

    private void Spawn(int instance, int generation)
    {
        var actor = new SimActor($"ingest{instance}.{generation}");
        Actors.Add(actor);
        world.Start(() => LoopAsync(actor, instance));
    }

    private async Task LoopAsync(SimActor actor, int instance)
    {
        var ingest = newIngest(actor);
        while (true)
        {
            await world.StepAsync(actor, world.Random.Next(400));
            if (!IsCalm && world.Random.NextDouble() < StallRate)
                await world.StepAsync(actor, world.Random.Next(90_000));
            var delivery = Deliver(instance);
            if (delivery.Count == 0)
                continue;
            world.Note($"{actor.Name}: delivers {string.Join(" ", delivery.Select(d => $"{d.Key}:[{string.Join(",", d.Value.Select(r => r.Offset))}]"))}");
            try
            {
                await ingest.ProcessAsync(delivery, CancellationToken.None);
                Commit(delivery);
            }
            catch (SimStoreException)
            {
                // The host delivers again from the committed offset, or gives up after its retries and commits by force.
                if (!IsCalm && world.Random.NextDouble() < SkipRate)
                    Commit(delivery);
            }
        }
    }

    private void Commit(IReadOnlyDictionary<int, IReadOnlyList<SourceRecord>> delivery)
    {
        foreach (var (partition, records) in delivery)
            topic.Partitions[partition].GroupOffset = Math.Max(topic.Partitions[partition].GroupOffset, records.Max(r => r.Offset) + 1);
    }

    private Dictionary<int, IReadOnlyList<SourceRecord>> Deliver(int instance)
    {
        var delivery = new Dictionary<int, IReadOnlyList<SourceRecord>>();
        foreach (var (number, partition) in topic.Partitions)
        {
            if (!_owner.TryGetValue(number, out var owner) || (!IsCalm && world.Random.Next(40) == 0))
                _owner[number] = owner = world.Random.Next(instances);
            var stray = !IsCalm && world.Random.Next(15) == 0;
            if (owner != instance && !stray)
                continue;
            var from = partition.GroupOffset;
            if (!IsCalm && world.Random.NextDouble() < RepeatRate)
                from = Math.Max(0, from - world.Random.Next(8));
            var records = partition.Records.Where(r => r.Key >= from).Take(1 + world.Random.Next(12)).Select(r => r.Value).ToList();
            if (records.Count == 0)
                continue;
            if (!IsCalm && world.Random.NextDouble() < RepeatRate)
                records.AddRange(records.Take(world.Random.Next(records.Count + 1)).ToList());
            delivery[number] = records;
        }

        return delivery;
    }
}
