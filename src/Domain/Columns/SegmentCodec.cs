using System.Buffers;
using System.IO.Compression;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Columns;

/// <summary>
/// The binary form of a <see cref="Segment"/>: a directory, then one section for the partials, one for the counts and one a table, each compressed
/// on its own, so that any of them is read without touching the others. A table's section holds its schema, so it can be read without one.
/// Everything that reads throws <see cref="InvalidDataException"/> for bytes that are no segment, and never allocates more than
/// <see cref="MaxSectionBytes"/> a section for them.
/// </summary>
/// <remarks>
/// Layout: <c>TMS</c>, version 1, number of sections; a section: kind, name, bytes plain, bytes packed, 64-bit hash of the packed bytes; then the
/// packed sections. Compression is Brotli at its fastest level.
/// </remarks>
public static class SegmentCodec
{
    /// <summary>Most bytes that one section may have before compression.</summary>
    public const int MaxSectionBytes = 512 << 20;

    private const int MaxCells = 128 << 20;
    private const byte Version = 1;

    private enum Kind : byte { Partials = 1, Counts = 2, Table = 3 }

    private readonly record struct Section(Kind Kind, string Name, int Plain, int Packed, ulong Hash, int At);

    /// <summary>The whole segment.</summary>
    public static byte[] Write(Segment segment)
    {
        var sections = new List<(Kind, string, byte[] Packed, int Plain)>();
        var plain = new ByteWriter(segment.Rows.Values.Select(PlainBytes).DefaultIfEmpty(4096).Max());
        Add(Kind.Partials, "", () => WritePartials(plain, segment.Partials));
        Add(Kind.Counts, "", () => WriteCounts(plain, segment.Counts));
        foreach (var (name, rows) in segment.Rows.OrderBy(r => r.Key, StringComparer.Ordinal))
            Add(Kind.Table, name, () => WriteTable(plain, rows));
        return Assemble(sections);

        void Add(Kind kind, string name, Action write)
        {
            plain.Clear();
            write();
            sections.Add((kind, name, Pack(plain.Written), plain.Length));
        }
    }

    /// <summary>Partials alone, in a form that <see cref="ReadPartials"/> reads; for segments whose rows are staged elsewhere.</summary>
    public static byte[] Write(IReadOnlyDictionary<EntityKey, ReadOnlyMemory<byte>> partials) =>
        Write(new Segment(new Dictionary<string, RowBatch>(), partials, new Dictionary<string, long>()));

    /// <summary>Everything.</summary>
    public static Segment Read(ReadOnlySpan<byte> bytes)
    {
        var rows = new Dictionary<string, RowBatch>();
        foreach (var section in Directory(bytes))
            if (section.Kind == Kind.Table)
                rows[section.Name] = ReadTable(Unpack(bytes, section));
        return new Segment(rows, ReadPartials(bytes).ToDictionary(p => p.Key, p => (ReadOnlyMemory<byte>)p.Value), ReadCounts(bytes));
    }

    /// <summary>The partials only.</summary>
    public static IReadOnlyDictionary<EntityKey, byte[]> ReadPartials(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(Unpack(bytes, Find(bytes, Kind.Partials)));
        var partials = new Dictionary<EntityKey, byte[]>();
        for (var left = reader.Count(3); left > 0; left--)
        {
            var key = new EntityKey(reader.Text(), reader.Zigzag());
            partials[key] = reader.Sized().ToArray();
        }
        reader.End();
        return partials;
    }

    /// <summary>The counts only.</summary>
    public static IReadOnlyDictionary<string, long> ReadCounts(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(Unpack(bytes, Find(bytes, Kind.Counts)));
        var counts = new Dictionary<string, long>();
        for (var left = reader.Count(2); left > 0; left--)
            counts[reader.Text()] = reader.Zigzag();
        reader.End();
        return counts;
    }

    /// <summary>The rows of one table, or null when the segment has none for it.</summary>
    public static RowBatch? ReadTable(ReadOnlySpan<byte> bytes, string table)
    {
        foreach (var section in Directory(bytes))
            if (section.Kind == Kind.Table && section.Name == table)
                return ReadTable(Unpack(bytes, section));
        return null;
    }

    /// <summary>About how many bytes a table takes before compression.</summary>
    private static int PlainBytes(RowBatch rows)
    {
        long bytes = 4096;
        foreach (var column in rows.Columns)
            bytes += rows.Count * 4L + (column is BinaryColumn plain ? plain.Offsets[plain.Count] : 0);
        return (int)Math.Min(bytes, 64 << 20);
    }

    private static byte[] Assemble(List<(Kind Kind, string Name, byte[] Packed, int Plain)> sections)
    {
        var to = new ByteWriter(sections.Sum(s => s.Packed.Length) + 256);
        to.Bytes("TMS"u8);
        to.Byte(Version);
        to.Varint((ulong)sections.Count);
        foreach (var (kind, name, packed, plain) in sections)
        {
            to.Byte((byte)kind);
            to.Text(name);
            to.Varint((ulong)plain);
            to.Varint((ulong)packed.Length);
            to.UInt64(Hash64.Of(packed));
        }
        foreach (var section in sections)
            to.Bytes(section.Packed);
        return to.ToArray();
    }

    private static List<Section> Directory(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        if (bytes.Length < 4 || !reader.Take(3).SequenceEqual("TMS"u8))
            throw reader.Fault("it is no segment");
        if (reader.Byte() is var version and not Version)
            throw reader.Fault($"segments of version {version} are not known; this program reads version {Version}");
        var sections = new List<Section>();
        for (var left = reader.Count(11); left > 0; left--)
            sections.Add(new Section((Kind)reader.Byte(), reader.Text(), reader.Count(0, MaxSectionBytes), reader.Count(1), reader.UInt64(), 0));
        var at = reader.Position;
        for (var i = 0; i < sections.Count; i++)
        {
            sections[i] = sections[i] with { At = at };
            reader.Take(sections[i].Packed);
            at = reader.Position;
        }
        reader.End();
        return sections;
    }

    private static Section Find(ReadOnlySpan<byte> bytes, Kind kind)
    {
        foreach (var section in Directory(bytes))
            if (section.Kind == kind)
                return section;
        throw new InvalidDataException($"The segment has no section of kind {kind}.");
    }

    private static byte[] Pack(ReadOnlySpan<byte> plain)
    {
        var room = ArrayPool<byte>.Shared.Rent(BrotliEncoder.GetMaxCompressedLength(plain.Length));
        try
        {
            return BrotliEncoder.TryCompress(plain, room, out var length, quality: 1, window: 20)
                ? room.AsSpan(0, length).ToArray()
                : throw new InvalidOperationException($"{plain.Length} bytes of a segment could not be compressed.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    private static byte[] Unpack(ReadOnlySpan<byte> bytes, Section section)
    {
        var packed = bytes.Slice(section.At, section.Packed);
        if (Hash64.Of(packed) != section.Hash)
            throw new InvalidDataException($"Section {section.Kind} '{section.Name}' of the segment is damaged: its hash does not match.");
        var plain = new byte[section.Plain];
        if (!BrotliDecoder.TryDecompress(packed, plain, out var length) || length != plain.Length)
            throw new InvalidDataException($"Section {section.Kind} '{section.Name}' of the segment does not decompress to its {section.Plain} bytes.");
        return plain;
    }

    private static void WritePartials(ByteWriter to, IReadOnlyDictionary<EntityKey, ReadOnlyMemory<byte>> partials)
    {
        to.Varint((ulong)partials.Count);
        foreach (var (key, partial) in partials.OrderBy(p => p.Key))
        {
            to.Text(key.Bundle);
            to.Zigzag(key.Start);
            to.Sized(partial.Span);
        }
    }

    private static void WriteCounts(ByteWriter to, IReadOnlyDictionary<string, long> counts)
    {
        to.Varint((ulong)counts.Count);
        foreach (var (name, count) in counts.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            to.Text(name);
            to.Zigzag(count);
        }
    }

    private static void WriteTable(ByteWriter to, RowBatch rows)
    {
        to.Varint((ulong)rows.Count);
        to.Varint((ulong)rows.Columns.Count);
        foreach (var field in rows.Schema.Fields)
        {
            to.Text(field.Name);
            to.Byte((byte)field.Type);
            to.Byte(field.Nullable ? (byte)1 : (byte)0);
            to.Byte((byte)field.Precision);
            to.Byte((byte)field.Scale);
        }
        foreach (var column in rows.Columns)
            ColumnCodec.Write(to, column);
    }

    private static RowBatch ReadTable(ReadOnlySpan<byte> plain)
    {
        var reader = new ByteReader(plain);
        var count = reader.Count(0, MaxCells);
        var fields = new RowField[reader.Count(5)];
        if (count * (long)fields.Length > MaxCells)
            throw reader.Fault($"{count} rows of {fields.Length} columns are more than a segment holds");
        for (var i = 0; i < fields.Length; i++)
        {
            fields[i] = new RowField(reader.Text(), (FieldType)reader.Byte(), reader.Byte() != 0, reader.Byte(), reader.Byte());
            if (!Enum.IsDefined(fields[i].Type))
                throw reader.Fault($"column '{fields[i].Name}' has a type that is not known");
        }
        var columns = new Column[fields.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            columns[i] = ColumnCodec.Read(ref reader, count);
            if (!Fits(fields[i], columns[i]))
                throw reader.Fault($"column '{fields[i].Name}' is a {columns[i].GetType().Name}, not {fields[i].Type}");
        }
        reader.End();
        return new RowBatch(new RowSchema(fields), columns, count);
    }

    private static bool Fits(RowField field, Column column) => field.Type switch
    {
        FieldType.String => column is Utf8Column or DictionaryColumn,
        FieldType.Binary => column is BinaryColumn and not Utf8Column,
        FieldType.Int32 or FieldType.Date => column is Int32Column,
        FieldType.Int64 or FieldType.Timestamp => column is Int64Column,
        FieldType.Decimal => field.Precision <= 18 ? column is Int64Column : column is Int128Column,
        FieldType.Double => column is DoubleColumn,
        FieldType.Boolean => column is BooleanColumn,
        _ => false,
    };
}
