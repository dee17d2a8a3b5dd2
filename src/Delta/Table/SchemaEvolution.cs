namespace Tidemark.Delta.Log;

/// <summary>Compares what a writer wants to add with what the table holds.</summary>
internal static class SchemaEvolution
{
    /// <summary>The table's metadata, with new columns where the request brings some and may add them; null when nothing changes.</summary>
    public static Metadata? Merge(Metadata table, TableSchema wanted, bool allowed, string name)
    {
        var current = table.Schema;
        foreach (var field in current.Fields)
        {
            if (field.MetadataJson.Contains("delta.invariants", StringComparison.Ordinal) || field.MetadataJson.Contains("delta.generationExpression", StringComparison.Ordinal))
                throw new DeltaUnsupportedException($"Column '{field.Name}' of table {name} has an invariant or generation expression; this library does not evaluate SQL and so does not write to the table.");
        }

        var added = new List<TableField>();
        foreach (var field in wanted.Fields)
        {
            var at = current.IndexOf(field.Name);
            if (at < 0)
            {
                if (!allowed) throw new DeltaSchemaMismatchException($"Table {name} has no column '{field.Name}'; allow schema evolution to add it.");
                if (!field.Nullable) throw new DeltaSchemaMismatchException($"New column '{field.Name}' of table {name} must be nullable: the rows that are there have no value for it.");
                added.Add(field);
            }
            else if (!Fits(current.Fields[at].Type, field.Type))
            {
                throw new DeltaSchemaMismatchException($"Column '{field.Name}' of table {name} is {current.Fields[at].Type} and cannot take {field.Type}; types never change.");
            }
        }

        foreach (var field in current.Fields)
        {
            if (!field.Nullable && wanted.IndexOf(field.Name) is var at && (at < 0 || wanted.Fields[at].Nullable))
                throw new DeltaSchemaMismatchException($"Column '{field.Name}' of table {name} does not allow null, and the rows to add may hold none.");
        }

        if (added.Count == 0) return null;
        var merged = new TableSchema([.. current.Fields, .. added]);
        merged.CheckNames();
        return table with { SchemaString = SchemaJson.Write(merged) };
    }

    // A writer's non-null promise fits a nullable place, not the other way round.
    private static bool Fits(DataType place, DataType value) => (place, value) switch
    {
        (ListType a, ListType b) => Fits(a.Element, b.Element) && (a.ElementNullable || !b.ElementNullable),
        (MapType a, MapType b) => Fits(a.Key, b.Key) && Fits(a.Value, b.Value) && (a.ValueNullable || !b.ValueNullable),
        (StructType a, StructType b) => a.Fields.Count == b.Fields.Count && a.Fields.Zip(b.Fields).All(p =>
            string.Equals(p.First.Name, p.Second.Name, StringComparison.OrdinalIgnoreCase) && Fits(p.First.Type, p.Second.Type) && (p.First.Nullable || !p.Second.Nullable)),
        _ => place.Equals(value),
    };
}
