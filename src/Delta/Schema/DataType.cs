using System.Globalization;

namespace Tidemark.Delta;

/// <summary>The kinds of column types that Delta's protocol defines and this library handles.</summary>
public enum TypeKind
{
    Boolean, Byte, Short, Int32, Int64, Float, Double, Decimal, String, Binary, Date, Timestamp, List, Map, Struct,
}

/// <summary>
/// The type of a column. How values are held: Boolean in <see cref="BooleanColumn"/>; Byte, Short, Int32 and Date (days since
/// 1970-01-01) in <see cref="Int32Column"/>; Int64 and Timestamp (microseconds since 1970-01-01 UTC) in
/// <see cref="Int64Column"/>; Decimal (unscaled) in <see cref="Int128Column"/> or, up to 18 digits, <see cref="Int64Column"/>;
/// String (UTF-8) and Binary in <see cref="BytesColumn"/> or <see cref="DictionaryColumn"/>.
/// </summary>
public abstract record DataType(TypeKind Kind)
{
    public static readonly DataType Boolean = new PrimitiveType(TypeKind.Boolean, "boolean");
    public static readonly DataType Byte = new PrimitiveType(TypeKind.Byte, "byte");
    public static readonly DataType Short = new PrimitiveType(TypeKind.Short, "short");
    public static readonly DataType Int32 = new PrimitiveType(TypeKind.Int32, "integer");
    public static readonly DataType Int64 = new PrimitiveType(TypeKind.Int64, "long");
    public static readonly DataType Float = new PrimitiveType(TypeKind.Float, "float");
    public static readonly DataType Double = new PrimitiveType(TypeKind.Double, "double");
    public static readonly DataType String = new PrimitiveType(TypeKind.String, "string");
    public static readonly DataType Binary = new PrimitiveType(TypeKind.Binary, "binary");
    public static readonly DataType Date = new PrimitiveType(TypeKind.Date, "date");
    public static readonly DataType Timestamp = new PrimitiveType(TypeKind.Timestamp, "timestamp");

    /// <summary>A decimal of 1 to 38 digits, of which <paramref name="scale"/> stand after the point.</summary>
    public static DataType Decimal(int precision, int scale) => new DecimalType(precision, scale);

    public static DataType List(DataType element, bool elementNullable = true) => new ListType(element, elementNullable);

    public static DataType Map(DataType key, DataType value, bool valueNullable = true) => new MapType(key, value, valueNullable);

    public static DataType Struct(params TableField[] fields) => new StructType(fields);

    internal bool IsNested => Kind is TypeKind.List or TypeKind.Map or TypeKind.Struct;

    private static readonly DataType[] Primitives =
        [Boolean, Byte, Short, Int32, Int64, Float, Double, String, Binary, Date, Timestamp];

    /// <summary>The primitive type of a name in Delta's schema JSON, or null when this library does not know it.</summary>
    internal static DataType? FromName(string name)
    {
        foreach (var type in Primitives)
        {
            if (((PrimitiveType)type).Name == name) return type;
        }

        if (!name.StartsWith("decimal", StringComparison.Ordinal)) return null;
        if (name == "decimal") return Decimal(10, 0);
        var parts = name["decimal".Length..].Trim('(', ')').Split(',');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var precision)
            && int.TryParse(parts[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var scale)
            && precision is >= 1 and <= 38 && scale <= precision ? Decimal(precision, scale) : null;
    }
}

/// <summary>A type without parameters; <see cref="Name"/> is its name in Delta's schema JSON.</summary>
public sealed record PrimitiveType : DataType
{
    internal PrimitiveType(TypeKind kind, string name) : base(kind) => Name = name;

    public string Name { get; }

    public override string ToString() => Name;
}

/// <summary>An exact number of <see cref="Precision"/> digits, <see cref="Scale"/> of them after the point.</summary>
public sealed record DecimalType : DataType
{
    public DecimalType(int precision, int scale) : base(TypeKind.Decimal)
    {
        if (precision is < 1 or > 38 || scale < 0 || scale > precision)
            throw new ArgumentOutOfRangeException(nameof(precision), $"decimal({precision},{scale}) is not a type; precision is 1 to 38 and scale 0 to precision.");
        Precision = precision;
        Scale = scale;
    }

    public int Precision { get; }

    public int Scale { get; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"decimal({Precision},{Scale})");
}

/// <summary>A list of values of one type.</summary>
public sealed record ListType(DataType Element, bool ElementNullable) : DataType(TypeKind.List)
{
    public override string ToString() => $"array<{Element}>";
}

/// <summary>Keys, never null, with values.</summary>
public sealed record MapType(DataType Key, DataType Value, bool ValueNullable) : DataType(TypeKind.Map)
{
    public override string ToString() => $"map<{Key},{Value}>";
}

/// <summary>Named fields in order.</summary>
public sealed record StructType(IReadOnlyList<TableField> Fields) : DataType(TypeKind.Struct)
{
    public bool Equals(StructType? other) => other is not null && Fields.SequenceEqual(other.Fields);

    public override int GetHashCode() => Fields.Aggregate(17, (hash, field) => HashCode.Combine(hash, field));

    public override string ToString() => $"struct<{string.Join(",", Fields.Select(f => $"{f.Name}:{f.Type}"))}>";
}
