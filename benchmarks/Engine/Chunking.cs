using Tidemark.Domain.Pipelines;

namespace Tidemark.Bench.Engine;

internal static class Chunking
{
    /// <summary>The records in batches, without copying.</summary>
    public static IEnumerable<ArraySegment<SourceRecord>> Chunks(this SourceRecord[] records, int size)
    {
        for (var at = 0; at < records.Length; at += size)
            yield return new ArraySegment<SourceRecord>(records, at, Math.Min(size, records.Length - at));
    }
}
