namespace Tidemark.Delta;

/// <summary>A column, or a field of a struct.</summary>
/// <param name="Name">Unique in its parent whatever the case; none of ` ,;{}()\n\t=`.</param>
/// <param name="Type">The type of its values.</param>
/// <param name="Nullable">Whether a value may be missing. Columns added later must be nullable.</param>
/// <param name="MetadataJson">The field's metadata as a JSON object, kept as found; `{}` when there is none.</param>
public sealed record TableField(string Name, DataType Type, bool Nullable = true, string MetadataJson = "{}");

/// <summary>The columns of a table, in order.</summary>
public sealed class TableSchema : IEquatable<TableSchema>
{
    private const string Forbidden = " ,;{}()\n\t=";
    private readonly Dictionary<string, int> _positions;

    /// <exception cref="ArgumentException">Two names differ in case only.</exception>
    public TableSchema(params IReadOnlyList<TableField> fields)
    {
        Fields = [.. fields];
        _positions = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < Fields.Count; i++)
        {
            if (!_positions.TryAdd(Fields[i].Name, i))
                throw new ArgumentException($"Column '{Fields[i].Name}' appears twice in the schema; names must differ in more than case.", nameof(fields));
        }
    }

    public IReadOnlyList<TableField> Fields { get; }

    /// <summary>The position of a column, case-insensitive as in the protocol; -1 when there is none.</summary>
    public int IndexOf(string name) => _positions.GetValueOrDefault(name, -1);

    /// <summary>The same schema with only the named columns, in the order given.</summary>
    /// <exception cref="ArgumentException">A name is unknown.</exception>
    public TableSchema Select(IReadOnlyCollection<string> names) => new([.. names.Select(name => IndexOf(name) is var i and >= 0
        ? Fields[i]
        : throw new ArgumentException($"The schema has no column '{name}'; it has {string.Join(", ", Fields.Select(f => f.Name))}.", nameof(names)))]);

    /// <summary>The same schema without the named columns.</summary>
    public TableSchema Without(IReadOnlyCollection<string> names) =>
        new([.. Fields.Where(f => !names.Contains(f.Name, StringComparer.OrdinalIgnoreCase))]);

    public bool Equals(TableSchema? other) => other is not null && Fields.SequenceEqual(other.Fields);

    public override bool Equals(object? obj) => Equals(obj as TableSchema);

    public override int GetHashCode() => Fields.Count == 0 ? 0 : HashCode.Combine(Fields.Count, Fields[0]);

    public override string ToString() => string.Join(", ", Fields.Select(f => $"{f.Name} {f.Type}{(f.Nullable ? "" : " not null")}"));

    /// <summary>Refuses names that a table without column mapping cannot hold.</summary>
    internal void CheckNames()
    {
        foreach (var field in Fields) CheckName(field);
        if (Fields.Count == 0) throw new ArgumentException("A table needs at least one column.");
    }

    private static void CheckName(TableField field)
    {
        if (field.Name.Length == 0 || field.Name.AsSpan().IndexOfAny(Forbidden) >= 0)
            throw new ArgumentException($"Column name '{field.Name}' is empty or holds one of the characters ' ,;{{}}()\\n\\t='; rename it.");
        CheckNested(field.Type);
    }

    private static void CheckNested(DataType type)
    {
        switch (type)
        {
            case StructType inner: _ = new TableSchema(inner.Fields); foreach (var f in inner.Fields) CheckName(f); break;
            case ListType list: CheckNested(list.Element); break;
            case MapType map: CheckNested(map.Key); CheckNested(map.Value); break;
        }
    }
}
