namespace Tidemark.Domain.Ledger;

/// <summary>The stores of a tick.</summary>
public sealed record TickStores(
    ILedger Ledger, ITopicLog Log, ISegmentStore Segments, IEntities Entities, ILake Lake, IResults Results, IAlerts Alerts)
{
    /// <summary>Where rows are delivered to beside tables.</summary>
    public IReadOnlyList<IRowSink> Sinks { get; init; } = [];
}
