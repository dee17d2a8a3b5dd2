namespace Tidemark.Domain.Columns;

/// <summary>The types a column can have. Times are UTC.</summary>
public enum FieldType
{
    /// <summary>UTF-8 text, see <see cref="Utf8Column"/> and <see cref="DictionaryColumn"/>.</summary>
    String,

    /// <summary>Raw bytes, see <see cref="BinaryColumn"/>.</summary>
    Binary,

    /// <summary>32-bit integer.</summary>
    Int32,

    /// <summary>64-bit integer.</summary>
    Int64,

    /// <summary>IEEE double.</summary>
    Double,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Microseconds since 1970-01-01T00:00:00Z in an <see cref="Int64Column"/>.</summary>
    Timestamp,

    /// <summary>Days since 1970-01-01 in an <see cref="Int32Column"/>.</summary>
    Date,

    /// <summary>Exact decimal: unscaled digits in an <see cref="Int64Column"/> (precision up to 18) or an <see cref="Int128Column"/> (up to 38).</summary>
    Decimal,
}

/// <summary>One column of a table: snake_case name, type, and for decimals precision (digits) and scale (digits after the point).</summary>
public sealed record RowField(string Name, FieldType Type, bool Nullable = true, int Precision = 0, int Scale = 0);

/// <summary>The columns of a table in order.</summary>
public sealed record RowSchema(IReadOnlyList<RowField> Fields)
{
    /// <summary>Index of the field with this exact name; throws <see cref="KeyNotFoundException"/> naming it when there is none.</summary>
    public int IndexOf(string name)
    {
        for (var i = 0; i < Fields.Count; i++)
            if (Fields[i].Name == name)
                return i;
        throw new KeyNotFoundException($"The schema has no column '{name}'; it has {string.Join(", ", Fields.Select(f => f.Name))}.");
    }
}
