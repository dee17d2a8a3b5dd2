using Tidemark.Domain.Corrections;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Results;
using Tidemark.Functions.Sinks;
using Tidemark.Functions.Status;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Sources;

/// <summary>Everything that belongs to one topic: its stores, ingest and tick, and what is shown of them.</summary>
internal sealed class HostedSource : IDisposable
{
    public required HostedPipeline Hosted { get; init; }

    public required ILedger Ledger { get; init; }

    public required ITopicLog Log { get; init; }

    /// <summary>Where its first start begins.</summary>
    public required StartFrom StartFrom { get; init; }

    public required TableResults Results { get; init; }

    public required TableAlerts Alerts { get; init; }

    public required KafkaSinks Sinks { get; init; }

    public required ISegmentStore Segments { get; init; }

    public required Ingest Ingest { get; init; }

    /// <summary>What was merged into closed windows of its queries.</summary>
    public required ICorrectionLog Corrections { get; init; }

    /// <summary>Merges late events into closed windows; null = nothing of it can be computed again from a table of events.</summary>
    public required Reopener? Reopener { get; init; }

    public required StatusBoard Board { get; init; }

    public required OperatorBoard Operators { get; init; }

    public required StatusStore Status { get; init; }

    public required TickRunner Runner { get; init; }

    /// <summary>Name in answers and alerts.</summary>
    public string Name => Hosted.Name;

    public void Dispose()
    {
        Runner.Dispose();
        Sinks.Dispose();
        (Log as IDisposable)?.Dispose();
    }
}

/// <summary>The topics of this deployment, the main one first.</summary>
public sealed class HostedSources : IDisposable
{
    internal HostedSources(IReadOnlyList<HostedSource> all) => All = all;

    internal IReadOnlyList<HostedSource> All { get; }

    internal HostedSource Main => All[0];

    /// <summary>The source of that name; throws <see cref="InvalidOperationException"/> when no topic is named for it.</summary>
    internal HostedSource this[string name] => All.FirstOrDefault(s => s.Name == name)
        ?? throw new InvalidOperationException($"No topic is named for {name}; name one in the settings, or disable the function that reads it.");

    public void Dispose()
    {
        foreach (var source in All)
            source.Dispose();
    }
}
