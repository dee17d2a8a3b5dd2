using System.Text;

namespace Tidemark.Delta.Tests.Support;

/// <summary>Random schemas and rows from a seed: odd values, nulls, repeats and runs included.</summary>
public sealed class RandomRows(int seed)
{
    private static readonly string[] Odd = ["", " ", "a", "ü", "日本語", "\u0000x", "line\nbreak", "quote\"'", "😀😀", "\uFFFD", new('z', 300), "=,;{}"];
    private readonly Random _random = new(seed);

    public Random Random => _random;

    public static DataType[] Primitives { get; } =
    [
        DataType.Boolean, DataType.Byte, DataType.Short, DataType.Int32, DataType.Int64, DataType.Float, DataType.Double, DataType.String, DataType.Binary,
        DataType.Date, DataType.Timestamp, DataType.Decimal(5, 2), DataType.Decimal(9, 0), DataType.Decimal(15, 3), DataType.Decimal(18, 18), DataType.Decimal(19, 2), DataType.Decimal(38, 10),
    ];

    public TableSchema Schema(int columns, int depth) =>
        new([.. Enumerable.Range(0, columns).Select(i => new TableField($"c{i}", Type(depth), _random.Next(4) != 0))]);

    public DataType Type(int depth)
    {
        if (depth > 0)
        {
            switch (_random.Next(6))
            {
                case 0: return DataType.List(Type(depth - 1), _random.Next(3) != 0);
                case 1: return DataType.Map(_random.Next(2) == 0 ? DataType.String : DataType.Int32, Type(depth - 1), _random.Next(3) != 0);
                case 2: return new StructType([.. Enumerable.Range(0, 1 + _random.Next(3)).Select(i => new TableField($"f{i}", Type(depth - 1), _random.Next(3) != 0))]);
            }
        }

        return Primitives[_random.Next(Primitives.Length)];
    }

    public RecordBatch Batch(TableSchema schema, int rows) => new(schema, [.. schema.Fields.Select(f => Column(f.Type, rows, f.Nullable))], rows);

    public ColumnData Column(DataType type, int rows, bool nullable)
    {
        var nulls = nullable ? Nulls(rows) : null;
        var distinct = 1 + _random.Next(3) switch { 0 => _random.Next(4), 1 => _random.Next(200), _ => 1_000_000 };
        switch (type.Kind)
        {
            case TypeKind.Boolean: return new BooleanColumn(Make(rows, _ => _random.Next(2) == 0), rows, nulls);
            case TypeKind.Byte: return new Int32Column(Make(rows, _ => _random.Next(-128, 128)), rows, nulls);
            case TypeKind.Short: return new Int32Column(Make(rows, _ => _random.Next(-32768, 32768)), rows, nulls);
            case TypeKind.Int32: return new Int32Column(Make(rows, i => Pick(_random.Next(distinct), int.MinValue, int.MaxValue)), rows, nulls);
            case TypeKind.Date: return new Int32Column(Make(rows, _ => _random.Next(-20000, 40000)), rows, nulls);
            case TypeKind.Int64: return new Int64Column(Make(rows, i => Pick((long)_random.Next(distinct) * 977, long.MinValue, long.MaxValue)), rows, nulls);
            case TypeKind.Timestamp: return new Int64Column(Make(rows, _ => _random.NextInt64(-2_000_000_000_000_000, 4_000_000_000_000_000)), rows, nulls);
            case TypeKind.Float: return new FloatColumn(Make(rows, _ => Pick(_random.NextSingle() * distinct, float.NegativeInfinity, -0f)), rows, nulls);
            case TypeKind.Double: return new DoubleColumn(Make(rows, _ => Pick(Math.Floor(_random.NextDouble() * distinct), double.NaN, -0d)), rows, nulls);
            case TypeKind.Decimal: return Decimals((DecimalType)type, rows, nulls);
            case TypeKind.String or TypeKind.Binary: return Bytes(type, rows, nulls, distinct);
            case TypeKind.List:
                var list = (ListType)type;
                var offsets = Offsets(rows);
                return new ListColumn(offsets, Column(list.Element, offsets[rows], list.ElementNullable), rows, nulls);
            case TypeKind.Map:
                var map = (MapType)type;
                offsets = Offsets(rows);
                return new MapColumn(offsets, Keys(map.Key, offsets), Column(map.Value, offsets[rows], map.ValueNullable), rows, nulls);
            default:
                return new StructColumn([.. ((StructType)type).Fields.Select(f => Column(f.Type, rows, f.Nullable))], rows, nulls);
        }
    }

    private static T[] Make<T>(int rows, Func<int, T> value) => [.. Enumerable.Range(0, rows).Select(value)];

    private T Pick<T>(T usual, T low, T high) => _random.Next(50) switch { 0 => low, 1 => high, _ => usual };

    private ulong[]? Nulls(int rows)
    {
        var share = _random.Next(4) switch { 0 => 0, 1 => 0.02, 2 => 0.5, _ => 0.97 };
        var bits = new ulong[NullBits.Words(rows)];
        for (var i = 0; i < rows; i++)
        {
            if (_random.NextDouble() < share) NullBits.Set(bits, i);
        }

        return share == 0 && _random.Next(2) == 0 ? null : bits;
    }

    private int[] Offsets(int rows)
    {
        var offsets = new int[rows + 1];
        for (var i = 0; i < rows; i++) offsets[i + 1] = offsets[i] + _random.Next(4);
        return offsets;
    }

    // Keys of one map differ.
    private ColumnData Keys(DataType type, int[] offsets)
    {
        var numbers = new int[offsets[^1]];
        for (var row = 0; row + 1 < offsets.Length; row++)
        {
            for (var i = offsets[row]; i < offsets[row + 1]; i++) numbers[i] = i - offsets[row] + 10 * _random.Next(5) * 4;
        }

        for (var row = 0; row + 1 < offsets.Length; row++) numbers.AsSpan(offsets[row], offsets[row + 1] - offsets[row]).Sort();
        for (var row = 0; row + 1 < offsets.Length; row++)
        {
            for (var i = offsets[row] + 1; i < offsets[row + 1]; i++) numbers[i] = Math.Max(numbers[i], numbers[i - 1] + 1);
        }

        return type.Kind == TypeKind.Int32 ? new Int32Column(numbers, numbers.Length) : Strings([.. numbers.Select(n => $"k{n}")], null);
    }

    private ColumnData Decimals(DecimalType type, int rows, ulong[]? nulls)
    {
        Int128 limit = 1;
        for (var i = 0; i < type.Precision; i++) limit *= 10;
        Int128 Value() => _random.Next(20) switch
        {
            0 => limit - 1,
            1 => -(limit - 1),
            2 => 0,
            _ => ((Int128)_random.NextInt64() * _random.NextInt64() + _random.NextInt64(-100, 100)) % limit,
        };
        return type.Precision <= 18 && _random.Next(2) == 0
            ? new Int64Column(Make(rows, _ => (long)Value()), rows, nulls)
            : new Int128Column(Make(rows, _ => Value()), rows, nulls);
    }

    private ColumnData Bytes(DataType type, int rows, ulong[]? nulls, int distinct)
    {
        var values = Make(rows, i => type.Kind == TypeKind.Binary && _random.Next(3) == 0
            ? Encoding.Latin1.GetString(RandomBytes(_random.Next(20)))
            : Pick($"value {_random.Next(distinct)}", Odd[_random.Next(Odd.Length)], Odd[_random.Next(Odd.Length)]));
        return _random.Next(2) == 0 ? Strings(values, nulls) : Coded(values, nulls);
    }

    private byte[] RandomBytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    public static BytesColumn Strings(IReadOnlyList<string?> values, ulong[]? nulls = null)
    {
        nulls ??= NullBits.From(values.Select(v => v is null).ToArray());
        var offsets = new int[values.Count + 1];
        using var heap = new MemoryStream();
        for (var i = 0; i < values.Count; i++)
        {
            heap.Write(Encoding.UTF8.GetBytes(values[i] ?? ""));
            offsets[i + 1] = (int)heap.Length;
        }

        return new BytesColumn(heap.ToArray(), offsets, values.Count, nulls);
    }

    public static DictionaryColumn Coded(IReadOnlyList<string> values, ulong[]? nulls = null)
    {
        var distinct = values.Distinct().ToList();
        // An entry that no row uses must do no harm.
        distinct.Add("unused");
        var codes = distinct.Select((v, i) => (v, i)).ToDictionary(p => p.v, p => p.i);
        var plain = Strings(distinct);
        return new DictionaryColumn([.. values.Select(v => codes[v])], plain.Heap, plain.Offsets, values.Count, nulls);
    }
}
