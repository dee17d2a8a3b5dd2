using System.IO.Compression;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Lake;

/// <summary>
/// A segment as bytes: a directory, then one separately compressed section for the partials and one for each table, so that a reader inflates only
/// what it needs. <c>[version 1] [sections] { [name] [compressed length] [length] } … { deflate }</c>; the section with the empty name is the partials.
/// </summary>
internal static class SegmentCodec
{
    private const byte Version = 1;
    private const string Partials = "";

    public static byte[] Encode(Segment segment)
    {
        List<(string Name, byte[] Packed, int Length)> sections = [Pack(Partials, Write(segment.Partials))];
        foreach (var (table, rows) in segment.Rows.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            var writer = new SegmentWriter();
            RowBatchCodec.Write(writer, rows);
            sections.Add(Pack(table, writer));
        }

        var whole = new SegmentWriter();
        whole.Byte(Version);
        whole.Count(sections.Count);
        foreach (var (name, packed, length) in sections)
        {
            whole.Text(name);
            whole.Count(packed.Length);
            whole.Count(length);
        }

        foreach (var (_, packed, _) in sections)
            whole.Values<byte>(packed);
        return whole.Written.ToArray();
    }

    /// <summary>The partials alone, as staged in a blob of their own.</summary>
    public static byte[] EncodePartials(IReadOnlyDictionary<EntityKey, byte[]> partials) =>
        Encode(new Segment(new Dictionary<string, RowBatch>(), partials, new Dictionary<string, long>()));

    public static IReadOnlyDictionary<EntityKey, byte[]> DecodePartials(ReadOnlySpan<byte> encoded)
    {
        var from = new SegmentReader(Section(encoded, Partials));
        var partials = new Dictionary<EntityKey, byte[]>();
        for (var left = from.Count(2); left > 0; left--)
            partials.Add(EntityKey.Parse(from.Text()), from.Bytes().ToArray());
        return partials;
    }

    /// <summary>Rows of one table; throws <see cref="KeyNotFoundException"/> when the segment has none for it.</summary>
    public static RowBatch DecodeRows(ReadOnlySpan<byte> encoded, string table)
    {
        var from = new SegmentReader(Section(encoded, table));
        return RowBatchCodec.Read(ref from);
    }

    private static SegmentWriter Write(IReadOnlyDictionary<EntityKey, byte[]> partials)
    {
        var writer = new SegmentWriter();
        writer.Count(partials.Count);
        foreach (var (key, partial) in partials.OrderBy(p => p.Key))
        {
            writer.Text(key.ToString());
            writer.Bytes(partial);
        }

        return writer;
    }

    private static (string, byte[], int) Pack(string name, SegmentWriter section)
    {
        using var packed = new MemoryStream(section.Written.Length / 4 + 64);
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            deflate.Write(section.Written);
        return (name, packed.ToArray(), section.Written.Length);
    }

    private static byte[] Section(ReadOnlySpan<byte> encoded, string wanted)
    {
        var from = new SegmentReader(encoded);
        if (from.Byte() is var version and not Version)
            throw new InvalidDataException($"A stored segment has version {version}; this program reads version {Version}. Start it in the version that wrote the ledger.");
        int at = 0, packedLength = -1, length = 0;
        for (var left = from.Count(3); left > 0; left--)
        {
            var name = from.Text();
            var (packed, plain) = (from.Count(), from.Count());
            if (name == wanted)
                (packedLength, length) = (packed, plain);
            else if (packedLength < 0)
                at = checked(at + packed);
        }

        if (packedLength < 0)
            throw new KeyNotFoundException($"The stored segment has no rows for table '{wanted}'.");
        var body = encoded[^from.Remaining..];
        if (at + packedLength > body.Length)
            throw new InvalidDataException("A stored segment ends too early; the ledger was damaged.");
        using var deflate = new DeflateStream(new MemoryStream(body.Slice(at, packedLength).ToArray()), CompressionMode.Decompress);
        var bytes = new byte[length];
        try
        {
            deflate.ReadExactly(bytes);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException($"The stored rows of '{wanted}' end too early; the ledger was damaged.", e);
        }

        return bytes;
    }
}
