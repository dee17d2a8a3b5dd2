using System.Globalization;
using Tidemark.Domain.Schemas;

namespace Tidemark.Domain.Events;

/// <summary>What the decoder is told. All values have defaults but the topic.</summary>
/// <param name="Topic">Kafka topic, for the rows' origin.</param>
public sealed record EventOptions(string Topic)
{
    /// <summary>How far an event time may lie beyond the record's Kafka time; later ones are quarantined, so they cannot drive the frontier.</summary>
    public TimeSpan MaxFutureSkew { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Earliest event time that is believed; earlier ones are quarantined.</summary>
    public DateTime EarliestEventTime { get; init; } = DateTime.UnixEpoch;

    /// <summary>
    /// An event whose id came before in its partition, with an event time no more than this apart, is a duplicate; zero = nothing is. Ids are
    /// remembered for twice as long, in event time. An event this far behind the frontier can no longer be told from a duplicate: it is late for every query.
    /// </summary>
    public TimeSpan DeduplicateWithin { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The schemas that events may name.</summary>
    public EventSchemas Schemas { get; init; } = new();

    /// <summary>Longest value that is decoded, in bytes; longer ones are quarantined.</summary>
    public int MaxValueBytes { get; init; } = 256 * 1024;

    /// <summary>Nesting that is accepted; the event itself is level 1.</summary>
    public int MaxDepth { get; init; } = 64;

    /// <summary>Throws <see cref="ArgumentException"/> with the option's name and the remedy when a value makes no sense.</summary>
    public EventOptions Validated()
    {
        if (string.IsNullOrWhiteSpace(Topic))
            throw new ArgumentException("EventOptions.Topic is empty; give the name of the Kafka topic.");
        if (MaxFutureSkew < TimeSpan.Zero)
            throw new ArgumentException($"EventOptions.MaxFutureSkew is {MaxFutureSkew}; it must not be negative.");
        if (DeduplicateWithin < TimeSpan.Zero || DeduplicateWithin > TimeSpan.FromDays(31))
            throw new ArgumentException($"EventOptions.DeduplicateWithin is {DeduplicateWithin}; give zero for none, or up to 31 days.");
        if (MaxValueBytes < 2)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"EventOptions.MaxValueBytes is {MaxValueBytes}; give at least 2."));
        if (MaxDepth is < 1 or > 64)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"EventOptions.MaxDepth is {MaxDepth}; it must be 1 to 64."));
        return this;
    }
}
