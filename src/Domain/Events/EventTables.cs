using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Events;

/// <summary>The tables that ingest fills and their columns; every name of an event's column is stated here and nowhere else.</summary>
public static class EventTables
{
    /// <summary>Digits after the point of money.</summary>
    public const int MoneyScale = 4;

    /// <summary>Digits of money in a row; sums have 38.</summary>
    public const int MoneyPrecision = 18;

    /// <summary>Every record as it came, also those that are not events.</summary>
    public static TableSpec Bronze { get; } = Table("bronze/events",
    [
        new("kafka_key", FieldType.Binary),
        new("value", FieldType.Binary),
        new("kafka_topic", FieldType.String, false),
        new("kafka_partition", FieldType.Int32, false),
        new("kafka_offset", FieldType.Int64, false),
        new("kafka_time", FieldType.Timestamp, false),
        new("kafka_headers", FieldType.String),
        new("ingest_time", FieldType.Timestamp, false),
    ]);

    /// <summary>Valid events, typed. What queries see.</summary>
    public static TableSpec Silver { get; } = Table("silver/events",
    [
        new("event_id", FieldType.String, false),
        new("event_type", FieldType.String, false),
        new("action_category", FieldType.String, false),
        new("event_time", FieldType.Timestamp, false),
        new("event_date", FieldType.Date, false),
        new("user_id", FieldType.String, false),
        new("session_id", FieldType.String),
        new("product_id", FieldType.String),
        new("product_name", FieldType.String),
        new("category", FieldType.String),
        new("price", FieldType.Decimal, true, MoneyPrecision, MoneyScale),
        new("quantity", FieldType.Int64),
        new("revenue", FieldType.Decimal, true, MoneyPrecision, MoneyScale),
        new("device_type", FieldType.String),
        new("country", FieldType.String),
        new("page", FieldType.String),
        new("element", FieldType.String),
        new("schema_version", FieldType.Int32),
        new("extra", FieldType.String),
        new("kafka_topic", FieldType.String, false),
        new("kafka_partition", FieldType.Int32, false),
        new("kafka_offset", FieldType.Int64, false),
        new("kafka_time", FieldType.Timestamp, false),
        new("ingest_time", FieldType.Timestamp, false),
    ], "event_date");

    /// <summary>Records that are not valid events, with the reason (see <see cref="QuarantineReason"/>) and the raw bytes.</summary>
    public static TableSpec Quarantine { get; } = Table("silver/quarantine",
    [
        new("reason", FieldType.String, false),
        new("detail", FieldType.String, false),
        new("kafka_key", FieldType.Binary),
        new("value", FieldType.Binary),
        new("kafka_topic", FieldType.String, false),
        new("kafka_partition", FieldType.Int32, false),
        new("kafka_offset", FieldType.Int64, false),
        new("kafka_time", FieldType.Timestamp, false),
        new("kafka_headers", FieldType.String),
        new("ingest_time", FieldType.Timestamp, false),
    ]);

    /// <summary>
    /// One row per event and query where the event passes the query's filter and at least one of its windows was closed; it counts in the others.
    /// Window and lag are those of the last window that it missed.
    /// </summary>
    public static TableSpec Late { get; } = Table("silver/late",
    [
        new("query", FieldType.String, false),
        new("window_start", FieldType.Timestamp, false),
        new("window_end", FieldType.Timestamp, false),
        new("windows_missed", FieldType.Int32, false),
        new("windows_counted", FieldType.Int32, false),
        new("frontier", FieldType.Timestamp, false),
        new("lag_ms", FieldType.Int64, false),
        new("event_id", FieldType.String, false),
        new("event_type", FieldType.String, false),
        new("event_time", FieldType.Timestamp, false),
        new("user_id", FieldType.String, false),
        new("kafka_topic", FieldType.String, false),
        new("kafka_partition", FieldType.Int32, false),
        new("kafka_offset", FieldType.Int64, false),
    ]);

    /// <summary>All of them, in the order in which pipelines list them.</summary>
    public static IReadOnlyList<TableSpec> All { get; } = [Bronze, Silver, Quarantine, Late];

    private static TableSpec Table(string name, RowField[] fields, params string[] partitionBy) => new(name, new RowSchema(fields), partitionBy);
}
