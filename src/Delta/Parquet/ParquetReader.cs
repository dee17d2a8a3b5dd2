using System.Buffers.Binary;

namespace Tidemark.Delta.Parquet;

/// <summary>What a reader accepts of a file.</summary>
/// <param name="Budget">Most bytes that one row group's columns may take in memory.</param>
/// <param name="VerifyChecksums">Whether pages that carry a checksum are compared with it.</param>
internal readonly record struct ReadLimits(long Budget, bool VerifyChecksums = true);

/// <summary>Reads Parquet files: the footer on opening, then row groups one by one with only the columns asked for.</summary>
internal sealed class ParquetReader
{
    private const int FooterGuess = 1 << 16, MaxFooter = 1 << 28, MergeGap = 1 << 18, MaxMerged = 1 << 26;
    private readonly IByteSource _source;
    private readonly ReadLimits _limits;
    private readonly List<ReadNode> _leaves;

    private ParquetReader(IByteSource source, FileMetadata metadata, ReadLimits limits)
    {
        _source = source;
        _limits = limits;
        Metadata = metadata;
        (Columns, _leaves) = ReadNode.Build(metadata);
    }

    public FileMetadata Metadata { get; }

    public List<ReadNode> Columns { get; }

    public long Rows => Metadata.Groups.Sum(g => g.Rows);

    /// <param name="source">The file.</param>
    /// <param name="limits">What is accepted.</param>
    public static async ValueTask<ParquetReader> OpenAsync(IByteSource source, ReadLimits limits, CancellationToken ct)
    {
        if (source.Length < 12) throw new DeltaFormatException($"A file of {source.Length} bytes is no Parquet file.");
        var guess = (int)Math.Min(source.Length, FooterGuess);
        var tail = await source.ReadAsync(source.Length - guess, guess, ct).ConfigureAwait(false);
        if (!tail.Span[^4..].SequenceEqual("PAR1"u8))
        {
            throw tail.Span[^4..].SequenceEqual("PARE"u8)
                ? new DeltaUnsupportedException("The Parquet file is encrypted, which is not supported here.")
                : new DeltaFormatException("The file does not end as a Parquet file does; it is cut off or something else.");
        }

        var size = BinaryPrimitives.ReadInt32LittleEndian(tail.Span[^8..]);
        if (size <= 0 || size > source.Length - 8 || size > MaxFooter) throw new DeltaFormatException($"The Parquet file says its footer has {size} bytes, and the file has {source.Length}.");
        var footer = size + 8 <= guess
            ? tail.Slice(guess - 8 - size, size)
            : await source.ReadAsync(source.Length - 8 - size, size, ct).ConfigureAwait(false);
        return new ParquetReader(source, FileMetadata.Read(footer.Span), limits);
    }

    /// <summary>The file's own schema.</summary>
    public TableSchema Schema() => new([.. Columns.Select(c => c.ToField())]);

    /// <summary>
    /// One row group with the columns of <paramref name="schema"/>; a column that the file does not have is all null.
    /// </summary>
    public async ValueTask<RecordBatch> ReadGroupAsync(int group, TableSchema schema, CancellationToken ct)
    {
        var metadata = Metadata.Groups[group];
        if (metadata.Rows is < 0 or > int.MaxValue) throw new DeltaFormatException($"Row group {group} of the Parquet file says it has {metadata.Rows} rows.");
        if (metadata.Chunks.Count != _leaves.Count) throw new DeltaFormatException($"Row group {group} of the Parquet file has {metadata.Chunks.Count} column chunks for {_leaves.Count} columns.");
        var nodes = schema.Fields.Select(f => ColumnAssembler.Find(Columns, f.Name)).ToArray();
        var wanted = nodes.Where(n => n is not null).SelectMany(n => n!.Leaves).Distinct().ToList();
        CheckBudget(group, metadata, wanted);
        try
        {
            var leaves = new LeafData?[_leaves.Count];
            await foreach (var (leaf, bytes) in FetchAsync(metadata, wanted, ct).ConfigureAwait(false))
                leaves[leaf.Leaf] = new ChunkReader(leaf, metadata.Chunks[leaf.Leaf], bytes, _limits).Read();
            var rows = (int)metadata.Rows;
            var columns = new ColumnData[nodes.Length];
            for (var i = 0; i < columns.Length; i++)
            {
                columns[i] = nodes[i] is { } node
                    ? ColumnAssembler.Assemble(node, schema.Fields[i].Type, leaves, rows)
                    : NullColumn.Of(schema.Fields[i].Type, rows);
            }

            foreach (var leaf in leaves) leaf?.ReturnLevels();
            return new RecordBatch(schema, columns, rows);
        }
        catch (Exception broken) when (broken is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw new DeltaFormatException($"Row group {group} of the Parquet file is broken: {broken.Message}", broken);
        }
    }

    private void CheckBudget(int group, RowGroupMetadata metadata, List<ReadNode> wanted)
    {
        long bytes = 0;
        foreach (var leaf in wanted)
        {
            var chunk = metadata.Chunks[leaf.Leaf];
            if (chunk.Values is < 0 or > int.MaxValue / 2 || chunk.Values < (leaf.Repetition == 0 ? metadata.Rows : 0))
                throw new DeltaFormatException($"Column '{leaf.Name}' of the Parquet file says it has {chunk.Values} values for {metadata.Rows} rows.");
            if (chunk.Physical != leaf.Element.Physical) throw new DeltaFormatException($"Column '{leaf.Name}' of the Parquet file is {leaf.Element.Physical} by its schema and {chunk.Physical} by its chunk.");
            if (chunk.Elsewhere) throw new DeltaUnsupportedException($"Column '{leaf.Name}' of the Parquet file lies in another file, which is not supported here.");
            bytes += chunk.Values * (leaf.Definition > 0 || leaf.Repetition > 0 ? 10 : 8);
        }

        if (bytes > _limits.Budget) throw new DeltaFormatException($"Row group {group} of the Parquet file would take {bytes} bytes in memory, more than the limit of {_limits.Budget}; raise the reader's limit if that is meant.");
    }

    // Neighbouring chunks are fetched in one request when little lies between them.
    private async IAsyncEnumerable<(ReadNode Leaf, ReadOnlyMemory<byte> Bytes)> FetchAsync(RowGroupMetadata group, List<ReadNode> wanted,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var ranges = wanted.Select(leaf => (Leaf: leaf, Range: RangeOf(leaf, group.Chunks[leaf.Leaf]))).OrderBy(r => r.Range.From).ToList();
        for (var i = 0; i < ranges.Count;)
        {
            var last = i;
            var end = ranges[i].Range.To;
            while (last + 1 < ranges.Count && ranges[last + 1].Range.From - end <= MergeGap
                && Math.Max(end, ranges[last + 1].Range.To) - ranges[i].Range.From <= MaxMerged)
                end = Math.Max(end, ranges[++last].Range.To);
            var start = ranges[i].Range.From;
            var bytes = await _source.ReadAsync(start, checked((int)(end - start)), ct).ConfigureAwait(false);
            for (; i <= last; i++)
            {
                var (from, to) = ranges[i].Range;
                yield return (ranges[i].Leaf, bytes.Slice((int)(from - start), (int)(to - from)));
            }
        }
    }

    private (long From, long To) RangeOf(ReadNode leaf, ChunkMetadata chunk)
    {
        // Some old writers leave 0 as the dictionary's offset to say that there is none.
        var from = chunk.DictionaryOffset > 0 && chunk.DictionaryOffset < chunk.DataOffset ? chunk.DictionaryOffset : chunk.DataOffset;
        var size = chunk.StoredBytes;
        if (from < 4 || size < 0 || size > int.MaxValue || from > _source.Length - size)
            throw new DeltaFormatException($"Column '{leaf.Name}' of the Parquet file lies at {from} with {size} bytes in a file of {_source.Length}.");
        return (from, from + size);
    }
}
