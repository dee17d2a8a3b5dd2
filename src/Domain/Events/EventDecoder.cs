using System.Buffers.Text;
using System.Text;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Schemas;

namespace Tidemark.Domain.Events;

/// <summary>
/// Turns Kafka records into rows of bronze, silver and quarantine. Not thread-safe. What it accepts:
/// <list type="bullet">
/// <item>Text fields are JSON strings; the four ids (event, user, session, product) may also be whole numbers, taken as their digits.</item>
/// <item><c>price</c>, <c>quantity</c>, <c>revenue</c> are JSON numbers, or strings that hold nothing but one (producers that keep money out of
/// floating point send those). Money is rounded half away from zero at the fourth decimal, as SQL casts do; a whole <c>quantity</c> may be written
/// 6.0; what has no place in the column is quarantined, never cut.</item>
/// <item>Event times are ISO 8601 text, or milliseconds since 1970 as a number or a string that holds nothing but one.</item>
/// <item>A header <c>schema-version</c> or a field <c>schema_version</c> names a version of schemas/: then only its names are the event's (older ones are read as the
/// newest), and what it requires must be there. Without one, the names of all versions are understood.</item>
/// <item>A null is as if the field were absent; so is an empty string in a required field.</item>
/// </list>
/// </summary>
internal sealed class EventDecoder(EventOptions options) : JsonDecoder(options, EventField.Names)
{
    /// <summary>Kafka header that names the version of the schema.</summary>
    public const string SchemaVersionHeader = "schema-version";

    private EventBuffers rows = null!;

    protected override void Use(RecordBuffers into) => rows = (EventBuffers)into;

    protected override Fault? Fields(in SourceRecord record, ReadOnlySpan<byte> value, long ingestMicros, EventSchema? schema)
    {
        var ignored = 0u;
        if (schema is not null)
            ignored = json.Present & 1u << EventField.SchemaVersion;
        else if ((record.Headers.Count > 0 || json.Has(EventField.SchemaVersion)) && Named(record, value, out schema) is { } unknown)
            return unknown;
        if (schema is not null)
        {
            // Names of other versions are unknown fields of this one.
            ignored |= json.Present & ~schema.Names;
            json.Present &= schema.Names;
        }
        int eventId = First(EventField.EventId, EventField.EventIdAlias), eventType = First(EventField.EventType, EventField.Action);
        if (eventId < 0)
            return new(QuarantineReason.MissingEventId, "The event has no event_id.");
        if (!IsText(value, eventId, orWhole: true))
            return Wrong("event_id", "must be a string or a whole number");
        if (eventType < 0)
            return new(QuarantineReason.MissingEventType, "The event has neither event_type nor action.");
        if (!IsText(value, eventType))
            return Wrong("event_type", "must be a string");
        if (Time(record, value, ingestMicros, out var time, out var timeSlot) is { } wrongTime)
            return wrongTime;
        if (!HasValue(EventField.UserId))
            return new(QuarantineReason.MissingUserId, "The event has no user_id.");
        if (!IsText(value, EventField.UserId, orWhole: true))
            return Wrong("user_id", "must be a string or a whole number");
        if (schema is not null && schema.Missing(value, json, TextOf(value, eventType, out _)) is { } missing)
            return new(QuarantineReason.SchemaViolation, $"{schema.Title} requires {missing}, which the event lacks.");
        for (var slot = EventField.SessionId; slot < EventField.SchemaVersion; slot++)
            if (slot is < EventField.Price or > EventField.Amount && json.Has(slot)
                && !IsText(value, slot, slot is EventField.SessionId or EventField.ProductId))
                return Wrong(Encoding.UTF8.GetString(EventField.NameOf(slot)), "must be a string");
        var revenueSlot = json.Has(EventField.Revenue) ? EventField.Revenue : EventField.Amount;
        if (!TryNumber(value, EventField.Price, EventTables.MoneyScale, out var price))
            return Wrong("price", "must be a number below 10^14");
        if (!TryNumber(value, EventField.Quantity, 0, out var quantity))
            return Wrong("quantity", "must be a whole number of 64 bits");
        if (!TryNumber(value, revenueSlot, EventTables.MoneyScale, out var revenue))
            return Wrong("revenue", "must be a number below 10^14");

        AppendText(rows.EventId, value, eventId);
        AppendText(rows.EventType, value, eventType);
        rows.Time.Append(time);
        rows.Date.Append((int)((time - (time < 0 ? EventTime.Day - 1 : 0)) / EventTime.Day));
        AppendText(rows.UserId, value, EventField.UserId);
        AppendText(rows.SessionId, value, EventField.SessionId);
        AppendText(rows.ProductId, value, EventField.ProductId);
        AppendText(rows.ProductName, value, EventField.ProductName);
        AppendText(rows.Category, value, EventField.Category);
        AppendNumber(rows.Price, EventField.Price, price);
        AppendNumber(rows.Quantity, EventField.Quantity, quantity);
        AppendNumber(rows.Revenue, revenueSlot, revenue);
        AppendText(rows.DeviceType, value, EventField.DeviceType);
        AppendText(rows.Country, value, EventField.Country);
        AppendText(rows.Page, value, EventField.Page);
        AppendText(rows.Element, value, EventField.Element);
        const uint synonyms = 1u << EventField.EventId | 1u << EventField.EventIdAlias | 1u << EventField.EventType | 1u << EventField.Action
            | 1u << EventField.Timestamp | 1u << EventField.EventTimeAlias | 1u << EventField.Ts | 1u << EventField.Revenue | 1u << EventField.Amount;
        ExtraJson.Append(value, json, json.Present & synonyms & ~(1u << eventId | 1u << eventType | 1u << timeSlot | 1u << revenueSlot) | ignored, rows.Extra);
        if (schema?.Version is { } version)
            rows.SchemaVersion.Append(version);
        else
            rows.SchemaVersion.AppendNull();
        rows.SilverOffset.Append(record.Offset);
        rows.SilverKafkaTime.Append(record.KafkaTimeMs * 1000);
        return null;
    }

    /// <summary>The schema by the version that a header or a field names, if one does; the header comes first. Of 2.1 the 2 counts.</summary>
    private Fault? Named(in SourceRecord record, ReadOnlySpan<byte> value, out EventSchema? schema)
    {
        schema = null;
        ReadOnlySpan<byte> name = default;
        for (var i = 0; i < record.Headers.Count && name.IsEmpty; i++)
            if (record.Headers[i] is { Key: SchemaVersionHeader, Value: { } header })
                name = header;
        if (name.IsEmpty && json.Has(EventField.SchemaVersion))
        {
            ref var slice = ref json.Slots[EventField.SchemaVersion];
            name = value.Slice(slice.Start, slice.Length);
        }
        if (name.IsEmpty)
            return null;
        var digits = name[0] == 'v' ? name[1..] : name;
        if (Utf8Parser.TryParse(digits, out int version, out var used) && (used == digits.Length || digits[used] == '.'))
            schema = Options.Schemas.Version(version);
        return schema is not null ? null : new(QuarantineReason.UnknownSchemaVersion,
            Text($"The event names version '{Encoding.UTF8.GetString(name[..Math.Min(name.Length, 40)])}' of its schema; known are {string.Join(", ", Options.Schemas.Versions)}."));
    }

    private Fault? Time(in SourceRecord record, ReadOnlySpan<byte> value, long ingestMicros, out long time, out int slot)
    {
        time = 0;
        slot = First(EventField.Timestamp, EventField.EventTimeAlias) is var first and >= 0 ? first : First(EventField.Ts, EventField.Ts);
        return slot < 0
            ? new(QuarantineReason.MissingEventTime, "The event has none of timestamp, _event_time and ts.")
            : Time(record, value, ingestMicros, slot, out time);
    }

    /// <summary>The first of two slots that has a value other than the empty string, or −1.</summary>
    private int First(int a, int b) => HasValue(a) ? a : HasValue(b) ? b : -1;
}
