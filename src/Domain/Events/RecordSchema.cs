using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Events;

/// <summary>How a field is read and kept.</summary>
public enum FieldKind
{
    /// <summary>A string.</summary>
    Text,

    /// <summary>A string with many repeats: kept in a dictionary.</summary>
    Word,

    /// <summary>A string or a whole number, taken as its digits; kept in a dictionary.</summary>
    Id,

    /// <summary>A whole number of 64 bits.</summary>
    Integer,

    /// <summary>A number, as a double: to be kept, not to be summed.</summary>
    Number,

    /// <summary>A number below 10¹⁴ with four decimals, rounded half away from zero: its sums are exact, whatever order they are made in.</summary>
    Decimal,
}

/// <summary>A field of records of a topic: a column of silver.</summary>
/// <param name="Name">snake_case; the JSON name and the column.</param>
/// <param name="Kind">How it is read.</param>
/// <param name="Required">Whether a record without it (or with null, or an empty string) is quarantined as <c>missing_{Name}</c>.</param>
public sealed record RecordField(string Name, FieldKind Kind, bool Required = false)
{
    /// <summary>Other JSON names of it; of several that are present the first counts, and the others are kept in <c>extra</c>.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
}

/// <summary>
/// The records of a topic as data: all that a pipeline over a topic of its own needs to be told. It has the tables <c>bronze/{Name}</c>, <c>silver/{Name}</c>,
/// <c>silver/{Name}_quarantine</c> and <c>silver/{Name}_late</c>; silver has <c>event_time</c> and <c>event_date</c>, the fields, unknown ones in <c>extra</c>, and the origin. With a
/// field <c>event_id</c> records are deduplicated by it.
/// </summary>
/// <param name="Name">snake_case, such as <c>sensors</c>.</param>
/// <param name="Times">JSON names of the event time (ISO 8601, or milliseconds since 1970), the first that has a value counts.</param>
/// <param name="Fields">The fields.</param>
public sealed record RecordSchema(string Name, IReadOnlyList<string> Times, IReadOnlyList<RecordField> Fields)
{
    /// <summary>Throws <see cref="ArgumentException"/> that names the schema and the remedy when it makes no sense.</summary>
    public RecordSchema Validated()
    {
        if (Times.Count == 0)
            throw new ArgumentException($"Schema {Name} names no event time; give at least one name in Times.");
        var names = AllNames;
        if (names.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Schema {Name} has the name '{twice.Key}' twice; give each field names of its own.");
        if (names.Count > 32)
            throw new ArgumentException($"Schema {Name} has {names.Count} names, aliases included; 32 are possible.");
        string[] taken = ["event_time", "event_date", "extra", "kafka_topic", "kafka_partition", "kafka_offset", "kafka_time", "ingest_time"];
        if (Fields.FirstOrDefault(f => taken.Contains(f.Name)) is { } clash)
            throw new ArgumentException($"Schema {Name} has a field {clash.Name}, which silver has of its own; call the field otherwise and give '{clash.Name}' as an alias.");
        return this;
    }

    internal IReadOnlyList<string> AllNames => [.. Times, .. Fields.SelectMany(f => f.Aliases.Prepend(f.Name))];

    internal FieldNames Names() => new([.. AllNames.Select(Encoding.UTF8.GetBytes)]);

    internal RecordTables Tables()
    {
        var silver = new RowSchema(
        [
            new("event_time", FieldType.Timestamp, false), new("event_date", FieldType.Date, false), .. Fields.Select(Column), new("extra", FieldType.String),
            .. EventTables.Silver.Schema.Fields.TakeLast(5),
        ]);
        var late = EventTables.Late.Schema.Fields.Take(LateTable.OwnColumns);
        var copied = Fields.Where(f => f.Required).Select(f => f.Name).Prepend("event_time").Concat(["kafka_topic", "kafka_partition", "kafka_offset"]).ToList();
        return RecordTables.Events.Named(Name) with
        {
            Silver = new TableSpec($"silver/{Name}", silver, ["event_date"]),
            Late = new TableSpec($"silver/{Name}_late", new RowSchema([.. late, .. copied.Select(name => silver.Fields[silver.IndexOf(name)])]), []),
        };
    }

    private static RowField Column(RecordField field) => field.Kind switch
    {
        FieldKind.Integer => new(field.Name, FieldType.Int64, !field.Required),
        FieldKind.Number => new(field.Name, FieldType.Double, !field.Required),
        FieldKind.Decimal => new(field.Name, FieldType.Decimal, !field.Required, EventTables.MoneyPrecision, EventTables.MoneyScale),
        _ => new(field.Name, FieldType.String, !field.Required),
    };
}

/// <summary>The tables that ingest fills for one schema.</summary>
internal sealed record RecordTables(TableSpec Bronze, TableSpec Silver, TableSpec Quarantine, TableSpec Late)
{
    public static RecordTables Events { get; } = new(EventTables.Bronze, EventTables.Silver, EventTables.Quarantine, EventTables.Late);

    /// <summary>The same tables under the name of a further topic.</summary>
    public RecordTables Named(string name) => new(
        Bronze with { Name = $"bronze/{name}" }, Silver with { Name = $"silver/{name}" }, Quarantine with { Name = $"silver/{name}_quarantine" }, Late with { Name = $"silver/{name}_late" });

    public IReadOnlyList<TableSpec> All => [Bronze, Silver, Quarantine, Late];
}
