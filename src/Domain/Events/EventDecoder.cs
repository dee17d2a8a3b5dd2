using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Enrichment;
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
internal sealed class EventDecoder(EventOptions options)
{
    /// <summary>Kafka header that names the version of the schema.</summary>
    public const string SchemaVersionHeader = "schema-version";

    private readonly byte[] topic = Encoding.UTF8.GetBytes(options.Topic);
    private readonly long skewMicros = options.MaxFutureSkew.Ticks / 10;
    private readonly long earliestMicros = (options.EarliestEventTime.ToUniversalTime() - DateTime.UnixEpoch).Ticks / 10;
    private readonly FieldOrder order = new();
    private readonly EventTime times = new();
    private readonly JsonEvent json = new();
    private byte[] unescaped = new byte[256];
    private EventBuffers rows = null!;
    private Dictionary<string, long>? reasons;

    /// <summary>Decodes into the buffers, which must be reset.</summary>
    public DecodedEvents Decode(
        int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs, Catalog? catalog, EventBuffers into, Action<EventBuffers>? giveBack)
    {
        rows = into;
        reasons = null;
        for (var i = 0; i < records.Count; i++)
            Record(records[i], ingestTimeMs * 1000);
        var ingest = ingestTimeMs * 1000;
        return new DecodedEvents(into.Bronze(topic, partition, ingest), into.Silver(topic, partition, ingest),
            into.Quarantine(topic, partition, ingest), reasons, into, giveBack) { Catalog = catalog };
    }

    private void Record(in SourceRecord record, long ingestMicros)
    {
        if (record.Key is null)
            rows.Key.AppendNull();
        else
            rows.Key.Append(record.Key);
        if (record.Value is null)
            rows.Value.AppendNull();
        else
            rows.Value.Append(record.Value);
        rows.Offset.Append(record.Offset);
        rows.KafkaTime.Append(record.KafkaTimeMs * 1000);
        var headers = record.Headers.Count == 0 ? null : HeadersJson.Write(record.Headers);
        if (headers is null)
            rows.Headers.AppendNull();
        else
            rows.Headers.Append(headers);
        if (Event(record, ingestMicros) is var (reason, detail))
            Quarantine(record, headers, reason, detail);
    }

    private Fault? Event(in SourceRecord record, long ingestMicros)
    {
        if (record.Value is not { } whole)
            return new(QuarantineReason.Tombstone, "The record has no value.");
        ReadOnlySpan<byte> value = whole;
        if (value.Length > options.MaxValueBytes)
            return new(QuarantineReason.TooLarge, Text($"The value has {value.Length} bytes; up to {options.MaxValueBytes} are decoded."));
        EventSchema? schema = null;
        if (value.Length > 0 && value[0] == 0 && WireFormat.SchemaId(value) is { } id)
        {
            if (Registered(id, out schema) is { } refused)
                return refused;
            value = value[WireFormat.Length..];
        }
        if (!Utf8.IsValid(value))
            return new(QuarantineReason.InvalidUtf8, "The value is not UTF-8.");
        switch (JsonScanner.Scan(value, options.MaxDepth, order, json, out var at))
        {
            case ScanResult.InvalidJson:
                return new(QuarantineReason.InvalidJson, Text($"The value stops being JSON at byte {at} of {value.Length}."));
            case ScanResult.NotAnObject:
                return new(QuarantineReason.NotAnObject, "The value is JSON but no object.");
            case ScanResult.TooDeep:
                return new(QuarantineReason.TooDeep, Text($"The value nests deeper than {options.MaxDepth} levels at byte {at}."));
        }
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
        return Fields(record, value, ingestMicros, schema, ignored);
    }

    /// <summary>The schema of the registry that a record names; a fault where its events cannot be read.</summary>
    private Fault? Registered(int id, out EventSchema? schema)
    {
        schema = null;
        if (options.Schemas.WithId(id) is not { } found)
            return options.Schemas.HasRegistry ? new(QuarantineReason.UnknownSchemaId, Text($"The record names schema {id}, which the registry does not have.")) : null;
        schema = found.Schema;
        return found.Unsupported is { } kind
            ? new(QuarantineReason.UnsupportedSchema(kind), Text($"The record's schema {id} is {kind}; JSON Schema is read."))
            : null;
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
            schema = options.Schemas.Version(version);
        return schema is not null ? null : new(QuarantineReason.UnknownSchemaVersion,
            Text($"The event names version '{Encoding.UTF8.GetString(name[..Math.Min(name.Length, 40)])}' of its schema; known are {string.Join(", ", options.Schemas.Versions)}."));
    }

    private Fault? Fields(in SourceRecord record, ReadOnlySpan<byte> value, long ingestMicros, EventSchema? schema, uint ignored)
    {
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

    private Fault? Time(in SourceRecord record, ReadOnlySpan<byte> value, long ingestMicros, out long time, out int slot)
    {
        time = 0;
        slot = First(EventField.Timestamp, EventField.EventTimeAlias) is var first and >= 0 ? first : First(EventField.Ts, EventField.Ts);
        if (slot < 0)
            return new(QuarantineReason.MissingEventTime, "The event has none of timestamp, _event_time and ts.");
        var used = slot;
        if (!TryTime(value, slot, out time))
            return new(QuarantineReason.InvalidEventTime, $"Field {Name()} is neither an ISO 8601 time nor a number of milliseconds since 1970.");
        if (time < earliestMicros || time >= EventTime.End)
            return new(QuarantineReason.EventTimeOutOfRange, $"Field {Name()} lies before {options.EarliestEventTime:yyyy-MM-dd} or after the year 9999.");
        var now = record.KafkaTimeMs > 0 ? record.KafkaTimeMs * 1000 : ingestMicros;
        return time - skewMicros > now
            ? new(QuarantineReason.EventTimeInFuture, Text($"Field {Name()} is {(time - now) / 1000} ms later than the record's Kafka time; {skewMicros / 1000} ms are allowed."))
            : null;

        string Name() => Encoding.UTF8.GetString(EventField.NameOf(used));
    }

    private bool TryTime(ReadOnlySpan<byte> value, int slot, out long time)
    {
        time = 0;
        var kind = json.Slots[slot].Kind;
        if (kind is not (JsonKind.String or JsonKind.Escaped or JsonKind.Number))
            return false;
        var text = TextOf(value, slot, out var valid);
        if (!valid)
            return false;
        if (kind != JsonKind.Number && times.TryParseIso(text, out time))
            return true;
        if (!JsonNumber.TryParse(text, 3, out var wide, out _))
            return false;
        time = (long)Int128.Clamp(wide, long.MinValue / 2, long.MaxValue / 2);
        return true;
    }

    /// <summary>The first of two slots that has a value other than the empty string, or −1.</summary>
    private int First(int a, int b) => HasValue(a) ? a : HasValue(b) ? b : -1;

    private bool HasValue(int slot) => json.Has(slot) && (json.Slots[slot].Length > 0 || json.Slots[slot].Kind != JsonKind.String);

    private bool IsText(ReadOnlySpan<byte> value, int slot, bool orWhole = false)
    {
        ref var slice = ref json.Slots[slot];
        switch (slice.Kind)
        {
            case JsonKind.String:
                return true;
            case JsonKind.Escaped:
                TextOf(value, slot, out var valid);
                return valid;
            case JsonKind.Number when orWhole:
                return value.Slice(slice.Start, slice.Length).IndexOfAnyExceptInRange((byte)'-', (byte)'9') < 0
                    && !value.Slice(slice.Start, slice.Length).Contains((byte)'.');
            default:
                return false;
        }
    }

    private bool TryNumber(ReadOnlySpan<byte> value, int slot, int scale, out long number)
    {
        number = 0;
        if (!json.Has(slot))
            return true;
        if (json.Slots[slot].Kind is not (JsonKind.Number or JsonKind.String))
            return false;
        if (!JsonNumber.TryParse(TextOf(value, slot, out _), scale, out var wide, out var rounded))
            return false;
        if (scale == 0 ? rounded || wide > long.MaxValue || wide < long.MinValue : Int128.Abs(wide) >= 1_000_000_000_000_000_000)
            return false;
        number = (long)wide;
        return true;
    }

    private void AppendNumber(Int64ColumnBuilder to, int slot, long number)
    {
        if (json.Has(slot))
            to.Append(number);
        else
            to.AppendNull();
    }

    private void AppendText(Utf8ColumnBuilder to, ReadOnlySpan<byte> value, int slot)
    {
        if (json.Has(slot))
            to.Append(TextOf(value, slot, out _));
        else
            to.AppendNull();
    }

    private void AppendText(DictionaryColumnBuilder to, ReadOnlySpan<byte> value, int slot)
    {
        if (json.Has(slot))
            to.Append(TextOf(value, slot, out _));
        else
            to.AppendNull();
    }

    private ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> value, int slot, out bool valid)
    {
        ref var slice = ref json.Slots[slot];
        var raw = value.Slice(slice.Start, slice.Length);
        valid = true;
        if (slice.Kind != JsonKind.Escaped)
            return raw;
        if (unescaped.Length < raw.Length)
            unescaped = new byte[raw.Length * 2];
        var length = JsonText.Unescape(raw, unescaped);
        valid = length >= 0;
        return unescaped.AsSpan(0, Math.Max(0, length));
    }

    private void Quarantine(in SourceRecord record, byte[]? headers, string reason, string detail)
    {
        reasons ??= [];
        reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
        rows.Reason.Append(Encoding.UTF8.GetBytes(reason));
        rows.Detail.Append(Encoding.UTF8.GetBytes(detail));
        if (record.Key is null)
            rows.BadKey.AppendNull();
        else
            rows.BadKey.Append(record.Key);
        if (record.Value is null)
            rows.BadValue.AppendNull();
        else
            rows.BadValue.Append(record.Value);
        rows.BadOffset.Append(record.Offset);
        rows.BadKafkaTime.Append(record.KafkaTimeMs * 1000);
        if (headers is null)
            rows.BadHeaders.AppendNull();
        else
            rows.BadHeaders.Append(headers);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static Fault Wrong(string field, string must) => new(QuarantineReason.Invalid(field), $"Field {field} {must}.");

    private sealed record Fault(string Reason, string Detail);
}
