using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Schemas;

namespace Tidemark.Domain.Events;

/// <summary>The columns of the records of a schema.</summary>
internal sealed class SchemaBuffers : RecordBuffers
{
    private readonly RowSchema silver;

    public SchemaBuffers(RecordSchema schema, RowSchema silver)
        : this(silver, [.. schema.Fields.Select(f => ColumnBuilder.For(silver.Fields[silver.IndexOf(f.Name)], f.Kind is FieldKind.Word or FieldKind.Id))])
    {
    }

    private SchemaBuffers(RowSchema silver, ColumnBuilder[] fields) : base(fields) => (this.silver, Fields) = (silver, fields);

    /// <summary>One builder a field of the schema.</summary>
    public ColumnBuilder[] Fields { get; }

    protected override RowBatch Silver(Column[] origin) =>
        new(silver, [Time.Build(), Date.Build(), .. Fields.Select(f => f.Build()), Extra.Build(), .. origin], Time.Count);
}

/// <summary>Decodes the records of a <see cref="RecordSchema"/>. Not thread-safe.</summary>
internal sealed class SchemaDecoder(EventOptions options, RecordSchema schema) : JsonDecoder(options, schema.Names())
{
    // Slots by field: the times come first, then each field with its aliases.
    private readonly int[] firstSlot = FirstSlots(schema);
    private readonly int[] slotOf = new int[schema.Fields.Count];
    private readonly long[] numbers = new long[schema.Fields.Count];
    private readonly double[] doubles = new double[schema.Fields.Count];
    private SchemaBuffers rows = null!;

    protected override void Use(RecordBuffers into) => rows = (SchemaBuffers)into;

    protected override Fault? Fields(in SourceRecord record, ReadOnlySpan<byte> value, long ingestMicros, EventSchema? named)
    {
        var timeSlot = Slot(0, schema.Times.Count);
        if (timeSlot < 0)
            return new(QuarantineReason.MissingEventTime, $"The record has none of {string.Join(", ", schema.Times)}.");
        if (Time(record, value, ingestMicros, timeSlot, out var time) is { } wrong)
            return wrong;
        var used = 1u << timeSlot;
        for (var i = 0; i < schema.Fields.Count; i++)
        {
            var field = schema.Fields[i];
            var slot = slotOf[i] = Slot(firstSlot[i], firstSlot[i + 1]);
            if (slot < 0 && field.Required)
                return new("missing_" + field.Name, $"The record has no {field.Name}.");
            if (slot < 0)
                continue;
            used |= 1u << slot;
            if (Check(value, i, slot) is { } fault)
                return fault;
        }

        rows.Time.Append(time);
        rows.Date.Append((int)((time - (time < 0 ? EventTime.Day - 1 : 0)) / EventTime.Day));
        for (var i = 0; i < schema.Fields.Count; i++)
            Append(value, i);
        ExtraJson.Append(value, json, json.Present & ~used, rows.Extra);
        rows.SilverOffset.Append(record.Offset);
        rows.SilverKafkaTime.Append(record.KafkaTimeMs * 1000);
        return null;
    }

    private static int[] FirstSlots(RecordSchema schema)
    {
        var slots = new int[schema.Fields.Count + 1];
        slots[0] = schema.Times.Count;
        for (var i = 0; i < schema.Fields.Count; i++)
            slots[i + 1] = slots[i] + 1 + schema.Fields[i].Aliases.Count;
        return slots;
    }

    /// <summary>The first of the slots that has a value other than the empty string, or −1.</summary>
    private int Slot(int from, int to)
    {
        for (var slot = from; slot < to; slot++)
            if (HasValue(slot))
                return slot;
        return -1;
    }

    private Fault? Check(ReadOnlySpan<byte> value, int i, int slot)
    {
        var field = schema.Fields[i];
        return field.Kind switch
        {
            FieldKind.Integer => TryNumber(value, slot, 0, out numbers[i]) ? null : Wrong(field.Name, "must be a whole number of 64 bits"),
            FieldKind.Decimal => TryNumber(value, slot, EventTables.MoneyScale, out numbers[i]) ? null : Wrong(field.Name, "must be a number below 10^14"),
            FieldKind.Number => TryDouble(value, slot, out doubles[i]) ? null : Wrong(field.Name, "must be a number"),
            FieldKind.Id => IsText(value, slot, orWhole: true) ? null : Wrong(field.Name, "must be a string or a whole number"),
            _ => IsText(value, slot) ? null : Wrong(field.Name, "must be a string"),
        };
    }

    private void Append(ReadOnlySpan<byte> value, int i)
    {
        var builder = rows.Fields[i];
        if (slotOf[i] < 0)
            builder.AppendNull();
        else if (builder is DictionaryColumnBuilder words)
            words.Append(TextOf(value, slotOf[i], out _));
        else if (builder is Utf8ColumnBuilder texts)
            texts.Append(TextOf(value, slotOf[i], out _));
        else if (builder is DoubleColumnBuilder reals)
            reals.Append(doubles[i]);
        else
            ((Int64ColumnBuilder)builder).Append(numbers[i]);
    }
}
