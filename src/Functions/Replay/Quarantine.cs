using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Http;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Replay;

/// <summary>The quarantine of one topic, and what became of the replays of its records.</summary>
/// <param name="Topic">Name of the topic's pipeline: <c>events</c>, <c>sensors</c>, …</param>
/// <param name="Table">Name of the table.</param>
/// <param name="Replays">Replays so far.</param>
/// <param name="Replay">Sends records again.</param>
/// <param name="View">The newest records for viewers.</param>
/// <param name="Producer">What sends them.</param>
internal sealed record Quarantine(string Topic, string Table, ReplayStore Replays, QuarantineReplay Replay, QuarantineSource View, ReplayProducer Producer)
{
    /// <summary>The table of records that are none of a pipeline; null where it has no such table.</summary>
    public static string? TableOf(IPipeline pipeline) =>
        pipeline.Tables.Select(t => t.Name).FirstOrDefault(name => name == EventTables.Quarantine.Name || name.EndsWith("_quarantine", StringComparison.Ordinal));
}

/// <summary>The quarantines of this deployment, the main topic's first.</summary>
public sealed class Quarantines : IDisposable
{
    internal Quarantines(IReadOnlyList<Quarantine> all) => All = all;

    internal IReadOnlyList<Quarantine> All { get; }

    /// <summary>Names of the topics.</summary>
    public IReadOnlyList<string> Topics => [.. All.Select(q => q.Topic)];

    /// <summary>The quarantine of a topic; null where this deployment does not read it.</summary>
    internal Quarantine? Find(string topic) => All.FirstOrDefault(q => q.Topic == topic);

    /// <summary>What is said where there is none.</summary>
    internal string Missing(string topic) => $"No topic {topic} is read here; {(All.Count == 0 ? "none has a quarantine" : $"there are {string.Join(", ", Topics)}")}.";

    /// <summary>Ends the connections.</summary>
    public void Dispose()
    {
        foreach (var quarantine in All)
            quarantine.Producer.Dispose();
    }
}
