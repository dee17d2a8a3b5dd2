namespace Tidemark.Domain.Lateness;

/// <summary>An event where it came in Kafka.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset there.</param>
/// <param name="EventTimeMs">When it happened, ms since 1970 UTC.</param>
public readonly record struct Arrival(int Partition, long Offset, long EventTimeMs);
