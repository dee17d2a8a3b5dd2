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
/// What decoders of JSON records have in common: bronze, the frame and the form of a value, quarantine, and how texts, numbers and times are read. What
/// fields there are and where they go is for the schema's own decoder. Not thread-safe.
/// </summary>
internal abstract class JsonDecoder(EventOptions options, FieldNames names)
{
    protected readonly JsonEvent json = new(names);
    protected readonly EventOptions Options = options;
    private readonly byte[] topic = Encoding.UTF8.GetBytes(options.Topic);
    private readonly long skewMicros = options.MaxFutureSkew.Ticks / 10;
    private readonly long earliestMicros = (options.EarliestEventTime.ToUniversalTime() - DateTime.UnixEpoch).Ticks / 10;
    private readonly FieldOrder order = new(names);
    private readonly EventTime times = new();
    private byte[] unescaped = new byte[256];
    private Dictionary<string, long>? reasons;

    /// <summary>The buffers that are decoded into.</summary>
    protected RecordBuffers Rows { get; private set; } = null!;

    /// <summary>Decodes into the buffers, which must be reset.</summary>
    public DecodedEvents Decode(
        int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs, ReferenceTables reference, RecordBuffers into, Action<RecordBuffers>? giveBack)
    {
        Rows = into;
        Use(into);
        reasons = null;
        for (var i = 0; i < records.Count; i++)
            Record(records[i], ingestTimeMs * 1000);
        var ingest = ingestTimeMs * 1000;
        return new DecodedEvents(into.Bronze(topic, partition, ingest), into.Silver(topic, partition, ingest),
            into.Quarantine(topic, partition, ingest), reasons, into, giveBack) { Reference = reference };
    }

    /// <summary>Decodes into these buffers from now on.</summary>
    protected abstract void Use(RecordBuffers into);

    /// <summary>Adds the row of a scanned record to silver, or says why it is none.</summary>
    /// <param name="record">The record.</param>
    /// <param name="value">Its JSON, without frame.</param>
    /// <param name="ingestMicros">Time of ingestion.</param>
    /// <param name="schema">The registry's schema that its frame names, if any.</param>
    protected abstract Fault? Fields(in SourceRecord record, ReadOnlySpan<byte> value, long ingestMicros, EventSchema? schema);

    private void Record(in SourceRecord record, long ingestMicros)
    {
        if (record.Key is null)
            Rows.Key.AppendNull();
        else
            Rows.Key.Append(record.Key);
        if (record.Value is null)
            Rows.Value.AppendNull();
        else
            Rows.Value.Append(record.Value);
        Rows.Offset.Append(record.Offset);
        Rows.KafkaTime.Append(record.KafkaTimeMs * 1000);
        var headers = record.Headers.Count == 0 ? null : HeadersJson.Write(record.Headers);
        if (headers is null)
            Rows.Headers.AppendNull();
        else
            Rows.Headers.Append(headers);
        if (Event(record, ingestMicros) is var (reason, detail))
            Quarantine(record, headers, reason, detail);
    }

    private Fault? Event(in SourceRecord record, long ingestMicros)
    {
        if (record.Value is not { } whole)
            return new(QuarantineReason.Tombstone, "The record has no value.");
        ReadOnlySpan<byte> value = whole;
        if (value.Length > Options.MaxValueBytes)
            return new(QuarantineReason.TooLarge, Text($"The value has {value.Length} bytes; up to {Options.MaxValueBytes} are decoded."));
        EventSchema? schema = null;
        if (value.Length > 0 && value[0] == 0 && WireFormat.SchemaId(value) is { } id)
        {
            if (Registered(id, out schema) is { } refused)
                return refused;
            value = value[WireFormat.Length..];
        }
        if (!Utf8.IsValid(value))
            return new(QuarantineReason.InvalidUtf8, "The value is not UTF-8.");
        switch (JsonScanner.Scan(value, Options.MaxDepth, order, json, out var at))
        {
            case ScanResult.InvalidJson:
                return new(QuarantineReason.InvalidJson, Text($"The value stops being JSON at byte {at} of {value.Length}."));
            case ScanResult.NotAnObject:
                return new(QuarantineReason.NotAnObject, "The value is JSON but no object.");
            case ScanResult.TooDeep:
                return new(QuarantineReason.TooDeep, Text($"The value nests deeper than {Options.MaxDepth} levels at byte {at}."));
        }
        return Fields(record, value, ingestMicros, schema);
    }

    /// <summary>The schema of the registry that a record names; a fault where its events cannot be read.</summary>
    private Fault? Registered(int id, out EventSchema? schema)
    {
        schema = null;
        if (Options.Schemas.WithId(id) is not { } found)
            return Options.Schemas.HasRegistry ? new(QuarantineReason.UnknownSchemaId, Text($"The record names schema {id}, which the registry does not have.")) : null;
        schema = found.Schema;
        return found.Unsupported is { } kind
            ? new(QuarantineReason.UnsupportedSchema(kind), Text($"The record's schema {id} is {kind}; JSON Schema is read."))
            : null;
    }

    /// <summary>The event time in a slot, µs; a fault where it is none that is believed.</summary>
    protected Fault? Time(in SourceRecord record, ReadOnlySpan<byte> value, long ingestMicros, int slot, out long time)
    {
        if (!TryTime(value, slot, out time))
            return new(QuarantineReason.InvalidEventTime, $"Field {Name()} is neither an ISO 8601 time nor a number of milliseconds since 1970.");
        if (time < earliestMicros || time >= EventTime.End)
            return new(QuarantineReason.EventTimeOutOfRange, $"Field {Name()} lies before {Options.EarliestEventTime:yyyy-MM-dd} or after the year 9999.");
        // A record's Kafka time may be its producer's, whose clock can be wrong too: an event of the future would end the present for all others.
        var now = record.KafkaTimeMs <= 0 ? ingestMicros : ingestMicros <= 0 ? record.KafkaTimeMs * 1000 : Math.Min(record.KafkaTimeMs * 1000, ingestMicros);
        return time - skewMicros > now
            ? new(QuarantineReason.EventTimeInFuture, Text($"Field {Name()} is {(time - now) / 1000} ms later than the record's Kafka time, or than now; {skewMicros / 1000} ms are allowed."))
            : null;

        string Name() => Encoding.UTF8.GetString(names.NameOf(slot));
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

    protected bool HasValue(int slot) => json.Has(slot) && (json.Slots[slot].Length > 0 || json.Slots[slot].Kind != JsonKind.String);

    protected bool IsText(ReadOnlySpan<byte> value, int slot, bool orWhole = false)
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

    protected bool TryNumber(ReadOnlySpan<byte> value, int slot, int scale, out long number)
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

    /// <summary>A JSON number, or a string that holds nothing but one, as a double.</summary>
    protected bool TryDouble(ReadOnlySpan<byte> value, int slot, out double number)
    {
        number = 0;
        if (!json.Has(slot))
            return true;
        // The scanner has checked the form of numbers, but not of texts.
        return json.Slots[slot].Kind is JsonKind.Number or JsonKind.String && TextOf(value, slot, out _) is var text && JsonNumber.TryParse(text, 0, out _, out _)
            && Utf8Parser.TryParse(text, out number, out var used) && used == text.Length && double.IsFinite(number);
    }

    protected void AppendNumber(Int64ColumnBuilder to, int slot, long number)
    {
        if (json.Has(slot))
            to.Append(number);
        else
            to.AppendNull();
    }

    protected void AppendText(Utf8ColumnBuilder to, ReadOnlySpan<byte> value, int slot)
    {
        if (json.Has(slot))
            to.Append(TextOf(value, slot, out _));
        else
            to.AppendNull();
    }

    protected void AppendText(DictionaryColumnBuilder to, ReadOnlySpan<byte> value, int slot)
    {
        if (json.Has(slot))
            to.Append(TextOf(value, slot, out _));
        else
            to.AppendNull();
    }

    protected ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> value, int slot, out bool valid)
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
        Rows.Reason.Append(Encoding.UTF8.GetBytes(reason));
        Rows.Detail.Append(Encoding.UTF8.GetBytes(detail));
        if (record.Key is null)
            Rows.BadKey.AppendNull();
        else
            Rows.BadKey.Append(record.Key);
        if (record.Value is null)
            Rows.BadValue.AppendNull();
        else
            Rows.BadValue.Append(record.Value);
        Rows.BadOffset.Append(record.Offset);
        Rows.BadKafkaTime.Append(record.KafkaTimeMs * 1000);
        if (headers is null)
            Rows.BadHeaders.AppendNull();
        else
            Rows.BadHeaders.Append(headers);
    }

    protected static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    protected static Fault Wrong(string field, string must) => new(QuarantineReason.Invalid(field), $"Field {field} {must}.");

    protected sealed record Fault(string Reason, string Detail);
}
