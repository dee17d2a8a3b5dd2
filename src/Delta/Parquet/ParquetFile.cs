using System.Runtime.CompilerServices;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta;

/// <summary>Parquet files on their own, without a table around them.</summary>
public static class ParquetFile
{
    private const long Budget = 1L << 30;

    /// <summary>Writes all batches, which have one schema, to a stream; one row group is held in memory at a time.</summary>
    /// <returns>The number of rows.</returns>
    public static long Write(Stream output, TableSchema schema, IEnumerable<RecordBatch> batches, ParquetWriterOptions? options = null)
    {
        using var writer = new ParquetWriter(output, schema, options);
        foreach (var batch in batches) writer.Write(batch);
        return writer.Finish().Rows;
    }

    /// <summary>The rows of a file in memory, a batch per row group.</summary>
    /// <param name="file">The whole file, from whoever: it is checked as it is read.</param>
    /// <param name="schema">The columns wanted; null for all, with the types that the file gives them.</param>
    /// <param name="budget">Most bytes that one row group may take in memory.</param>
    /// <param name="ct">Stops reading.</param>
    /// <exception cref="DeltaFormatException">The file is broken, or a page does not match its checksum.</exception>
    /// <exception cref="DeltaUnsupportedException">The file uses an encoding, codec or type that this library lacks.</exception>
    public static async IAsyncEnumerable<RecordBatch> ReadAsync(ReadOnlyMemory<byte> file, TableSchema? schema = null, long budget = Budget,
        [EnumeratorCancellation] CancellationToken ct = default)
    {
        var reader = await ParquetReader.OpenAsync(new MemorySource(file), new ReadLimits(budget), ct).ConfigureAwait(false);
        schema ??= reader.Schema();
        for (var group = 0; group < reader.Metadata.Groups.Count; group++) yield return await reader.ReadGroupAsync(group, schema, ct).ConfigureAwait(false);
    }
}
