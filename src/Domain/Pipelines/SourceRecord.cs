namespace Tidemark.Domain.Pipelines;

/// <summary>One Kafka record as the trigger or our own consumer delivers it. Arrays are shared, never changed.</summary>
/// <param name="Offset">Offset in its partition.</param>
/// <param name="KafkaTimeMs">Kafka's timestamp, ms since 1970 UTC.</param>
/// <param name="Key">Raw key, null when absent.</param>
/// <param name="Value">Raw value, null for a tombstone.</param>
/// <param name="Headers">Headers in order, empty when none.</param>
public readonly record struct SourceRecord(long Offset, long KafkaTimeMs, byte[]? Key, byte[]? Value, IReadOnlyList<RecordHeader> Headers);

/// <summary>A Kafka header.</summary>
public readonly record struct RecordHeader(string Key, byte[]? Value);
