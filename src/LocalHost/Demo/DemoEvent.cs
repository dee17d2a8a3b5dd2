namespace Tidemark.LocalHost.Demo;

/// <summary>One Kafka record of the simulated shop.</summary>
/// <param name="Key">UTF-8 user id; null where the producer knew no user. Shared between records of one user: do not change.</param>
/// <param name="Value">The JSON value, or what stands in its place in a broken record; null for a tombstone.</param>
/// <param name="TimestampMs">When the record arrives at the broker (Kafka's timestamp), ms since 1970 UTC; never descends within one stream.</param>
public readonly record struct DemoEvent(byte[]? Key, byte[]? Value, long TimestampMs)
{
    /// <summary>Whether it is a purchase, whole or broken: what an order service would send on a topic of its own.</summary>
    public bool IsPurchase { get; init; }
}
