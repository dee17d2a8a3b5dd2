namespace Tidemark.Domain.Events;

/// <summary>Why a record is no valid event: the codes in <c>silver/quarantine.reason</c>. A wrong field is <c>invalid_</c> and its name.</summary>
public static class QuarantineReason
{
    public const string Tombstone = "tombstone";
    public const string TooLarge = "too_large";
    public const string TooDeep = "too_deep";
    public const string InvalidUtf8 = "invalid_utf8";
    public const string InvalidJson = "invalid_json";
    public const string NotAnObject = "not_an_object";
    public const string MissingEventId = "missing_event_id";
    public const string MissingEventType = "missing_event_type";
    public const string MissingEventTime = "missing_event_time";
    public const string MissingUserId = "missing_user_id";
    public const string InvalidEventTime = "invalid_event_time";
    public const string EventTimeInFuture = "event_time_in_future";
    public const string EventTimeOutOfRange = "event_time_out_of_range";

    /// <summary>The event names a version of the schema that is not known.</summary>
    public const string UnknownSchemaVersion = "unknown_schema_version";

    /// <summary>The record names a schema that the registry does not have.</summary>
    public const string UnknownSchemaId = "unknown_schema_id";

    /// <summary>The event lacks what the schema that it names requires.</summary>
    public const string SchemaViolation = "schema_violation";

    /// <summary>The record's schema is of a kind that is not read: <c>unsupported_schema_</c> and avro or protobuf.</summary>
    public static string UnsupportedSchema(string kind) => "unsupported_schema_" + kind;

    /// <summary>Whether a code tells of a producer that changed its schema, which somebody should look at.</summary>
    public static bool IsOfSchema(string reason) =>
        reason is UnknownSchemaVersion or UnknownSchemaId or SchemaViolation || reason.StartsWith("unsupported_schema_", StringComparison.Ordinal);

    /// <summary>The code for a field of a wrong type or content.</summary>
    public static string Invalid(string field) => "invalid_" + field;
}
