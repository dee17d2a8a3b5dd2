using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>A file's statistics as Delta's JSON, with the protocol's rules of truncation.</summary>
internal static class Statistics
{
    private const int PrefixLength = 32, LongestMax = 64;
    private const int TieBreaker = 0x10FFFF;

    /// <param name="file">What was written.</param>
    /// <param name="configuration">The table's properties, which say what gets bounds and null counts.</param>
    public static string Write(WrittenFile file, IReadOnlyDictionary<string, string> configuration)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var indexed = IndexedColumns.Of(file.Leaves, configuration);
        using (var json = new Utf8JsonWriter(buffer, JsonFormat.Options))
        {
            json.WriteStartObject();
            json.WriteNumber("numRecords", file.Rows);
            json.WriteStartObject("minValues");
            foreach (var column in file.Columns) WriteBound(json, column, file, indexed, min: true);
            json.WriteEndObject();
            json.WriteStartObject("maxValues");
            foreach (var column in file.Columns) WriteBound(json, column, file, indexed, min: false);
            json.WriteEndObject();
            json.WriteStartObject("nullCount");
            foreach (var column in file.Columns) WriteNulls(json, column, file, indexed);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>`numRecords` of a file's statistics; -1 when there is none.</summary>
    public static long RowCount(string? stats)
    {
        if (stats is null) return -1;
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(stats.Length));
        try
        {
            var json = new Utf8JsonReader(buffer.AsSpan(0, Encoding.UTF8.GetBytes(stats, buffer)));
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return -1;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var found = json.ValueTextEquals("numRecords"u8);
                json.Read();
                if (found) return json.TokenType == JsonTokenType.Number && json.TryGetInt64(out var rows) ? rows : -1;
                json.Skip();
            }
        }
        catch (JsonException)
        {
            // Statistics are advice; a file whose statistics cannot be read is read itself.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return -1;
    }

    private static void WriteNulls(Utf8JsonWriter json, WriteNode node, WrittenFile file, HashSet<WriteNode> indexed)
    {
        switch (node.Type)
        {
            case StructType:
                json.WriteStartObject(node.Name);
                foreach (var child in node.Children) WriteNulls(json, child, file, indexed);
                json.WriteEndObject();
                break;
            case ListType or MapType:
                var first = node;
                while (!first.IsLeaf) first = first.Children[0];
                if (indexed.Contains(first)) json.WriteNumber(node.Name, file.Statistics[first.Leaf].RowNulls);
                break;
            default:
                if (indexed.Contains(node)) json.WriteNumber(node.Name, file.Statistics[node.Leaf].NullCount);
                break;
        }
    }

    private static void WriteBound(Utf8JsonWriter json, WriteNode node, WrittenFile file, HashSet<WriteNode> indexed, bool min)
    {
        if (node.Type is StructType)
        {
            json.WriteStartObject(node.Name);
            foreach (var child in node.Children) WriteBound(json, child, file, indexed, min);
            json.WriteEndObject();
            return;
        }

        if (!node.IsLeaf || !indexed.Contains(node)) return;
        var statistics = file.Statistics[node.Leaf];
        if ((min ? statistics.Min : statistics.Max) is not { } bytes) return;
        switch (node.Type!.Kind)
        {
            case TypeKind.Byte or TypeKind.Short or TypeKind.Int32:
                json.WriteNumber(node.Name, BinaryPrimitives.ReadInt32LittleEndian(bytes));
                break;
            case TypeKind.Int64: json.WriteNumber(node.Name, BinaryPrimitives.ReadInt64LittleEndian(bytes)); break;
            case TypeKind.Float: WriteFloat(json, node.Name, BinaryPrimitives.ReadSingleLittleEndian(bytes)); break;
            case TypeKind.Double: WriteDouble(json, node.Name, BinaryPrimitives.ReadDoubleLittleEndian(bytes)); break;
            case TypeKind.Decimal:
                json.WritePropertyName(node.Name);
                json.WriteRawValue(DecimalText(Unscaled(node.Physical, bytes), ((DecimalType)node.Type).Scale));
                break;
            case TypeKind.Date: WriteText(json, node.Name, ValueText.Date(BinaryPrimitives.ReadInt32LittleEndian(bytes))); break;
            case TypeKind.Timestamp: WriteText(json, node.Name, ValueText.TimestampMillis(BinaryPrimitives.ReadInt64LittleEndian(bytes))); break;
            case TypeKind.String: WriteText(json, node.Name, min ? Prefix(bytes) : UpperPrefix(bytes)); break;
        }
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    // JSON knows no infinity; a missing bound is legal where a wrong one loses rows.
    private static void WriteFloat(Utf8JsonWriter json, string name, float value)
    {
        if (float.IsFinite(value)) json.WriteNumber(name, value);
    }

    private static void WriteDouble(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
    }

    private static Int128 Unscaled(PhysicalType type, byte[] bytes) => type switch
    {
        PhysicalType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        PhysicalType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        _ => DecimalBytes.Read(bytes),
    };

    internal static string DecimalText(Int128 unscaled, int scale)
    {
        var digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture);
        if (scale > 0)
        {
            digits = digits.PadLeft(scale + 1, '0');
            digits = string.Concat(digits.AsSpan(0, digits.Length - scale), ".", digits.AsSpan(digits.Length - scale));
        }

        return unscaled < 0 ? "-" + digits : digits;
    }

    internal static string? Prefix(ReadOnlySpan<byte> utf8)
    {
        if (!System.Text.Unicode.Utf8.IsValid(utf8)) return null;
        var text = Encoding.UTF8.GetString(utf8);
        if (text.Length <= PrefixLength) return text;
        var length = char.IsHighSurrogate(text[PrefixLength - 1]) ? PrefixLength - 1 : PrefixLength;
        return text[..length];
    }

    /// <summary>A text that is not less than the value, however the reader orders characters beyond the basic plane.</summary>
    internal static string? UpperPrefix(ReadOnlySpan<byte> utf8)
    {
        if (!System.Text.Unicode.Utf8.IsValid(utf8)) return null;
        var text = Encoding.UTF8.GetString(utf8);
        if (text.Length <= PrefixLength) return text;
        var length = char.IsHighSurrogate(text[PrefixLength - 1]) ? PrefixLength - 1 : PrefixLength;
        while (length < text.Length && length <= LongestMax)
        {
            if (!Rune.TryGetRuneAt(text, length, out var next)) return null;
            if (next.Value < 0x7F) return text[..length] + '\u007F';
            if (next.Value != TieBreaker) return text[..length] + char.ConvertFromUtf32(TieBreaker);
            length += next.Utf16SequenceLength;
        }

        return length >= text.Length ? text : null;
    }
}
