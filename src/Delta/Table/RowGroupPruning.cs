using System.Buffers.Binary;
using System.Text;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>Decides by a row group's statistics whether it can hold a row that a filter wants.</summary>
internal static class RowGroupPruning
{
    public static bool MayMatch(ParquetReader reader, int group, ScanFilter filter)
    {
        foreach (var range in filter.Ranges)
        {
            if (ColumnAssembler.Find(reader.Columns, range.Column) is not { Leaf: >= 0 } node) continue;
            var chunk = reader.Metadata.Groups[group].Chunks[node.Leaf];
            if (chunk.NullCount is { } nulls && nulls == chunk.Values && chunk.Values > 0) return false;
            if (chunk.Min is null || chunk.Max is null) continue;
            if (range.IsText ? !Text(node, chunk, range) : !Number(node, chunk, range)) return false;
        }

        return true;
    }

    private static bool Text(ReadNode node, ChunkMetadata chunk, ColumnRange range)
    {
        if (node.Element.Physical != PhysicalType.ByteArray) return true;
        return (range.TextFrom is null || chunk.Max.AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(range.TextFrom)) >= 0)
            && (range.TextTo is null || chunk.Min.AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(range.TextTo)) <= 0);
    }

    private static bool Number(ReadNode node, ChunkMetadata chunk, ColumnRange range)
    {
        var type = node.ToType();
        if (type.Kind is not (TypeKind.Byte or TypeKind.Short or TypeKind.Int32 or TypeKind.Int64 or TypeKind.Date or TypeKind.Timestamp)) return true;
        // Timestamps that are not microseconds would have to be scaled first.
        if (type.Kind == TypeKind.Timestamp && (node.Element.Physical != PhysicalType.Int64 || node.Element.TimeUnit is not (0 or 2) || node.Element.Converted == ConvertedType.TimestampMillis)) return true;
        var (min, max) = node.Element.Physical switch
        {
            PhysicalType.Int32 when chunk.Min!.Length == 4 && chunk.Max!.Length == 4 => ((long)BinaryPrimitives.ReadInt32LittleEndian(chunk.Min), (long)BinaryPrimitives.ReadInt32LittleEndian(chunk.Max)),
            PhysicalType.Int64 when chunk.Min!.Length == 8 && chunk.Max!.Length == 8 => (BinaryPrimitives.ReadInt64LittleEndian(chunk.Min), BinaryPrimitives.ReadInt64LittleEndian(chunk.Max)),
            _ => (long.MinValue, long.MaxValue),
        };
        return (range.From is null || max >= range.From) && (range.To is null || min <= range.To);
    }
}
