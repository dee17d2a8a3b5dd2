using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using IObjectStore = Tidemark.Delta.IObjectStore;

namespace Tidemark.Functions.Lake;

/// <summary>
/// Segments in the ledger's rows up to a limit, or four times as much before compression; above it, a Parquet file for each table (and partition of it) in the table's own folder, where a
/// commit only has to name it, and a blob of partials below <c>_staging</c>. Each name holds the attempt's id, so two attempts never share one.
/// </summary>
/// <param name="id">The pipeline.</param>
/// <param name="inlineLimit">Most bytes, compressed, that ride in a ledger row.</param>
/// <param name="store">The lake's container.</param>
/// <param name="tables">The lake's tables.</param>
internal sealed class SegmentStore(PipelineId id, int inlineLimit, IObjectStore store, LakeTables tables) : ISegmentStore
{
    // Events shrink about eightfold. Well below what would just fit, a file costs less than a row: the tick then adds it without decoding it and
    // writing it anew, which is most of its work at high rates, and keeps nothing of it in memory.
    private const int InlineRatio = 4;
    private const string Offset = "kafka_offset";

    // The ledger's row has the statistics of each file, a few KB: one of 1 MB has room for these several times over.
    private const int MostDates = 64;

    public byte[]? TryEncode(Segment segment)
    {
        if (EstimatedBytes(segment) > (long)inlineLimit * InlineRatio * Spread(segment))
            return null;
        var encoded = SegmentCodec.Write(segment);
        return encoded.Length <= inlineLimit ? encoded : null;
    }

    /// <summary>
    /// How much larger than for one day's events a segment must be to be worth staging: old events spread over many dates, and the files for each of
    /// them would be small and dear. Texts that tables are partitioned by are few, and their tables narrow: four of them count as one.
    /// </summary>
    private int Spread(Segment segment) => segment.Rows
        .SelectMany(table => tables[table.Key].PartitionColumns.Select(column => Distinct(table.Value[column])))
        .DefaultIfEmpty(1).Max();

    private static int Distinct(Column column)
    {
        if (column is not Int32Column dates)
            return column is DictionaryColumn texts ? (texts.Dictionary.Count + 3) / 4 : column.Count;
        var seen = new HashSet<int>();
        foreach (var date in dates.Values.AsSpan(0, dates.Count))
            seen.Add(date);
        return seen.Count;
    }

    public async Task<StagedSegment> StageAsync(int partition, long from, string attempt, Segment segment, CancellationToken cancel)
    {
        if (Spread(segment) > MostDates)
            throw new RangeTooLargeException($"The range of partition {partition} from offset {from} has events of more than {MostDates} days, or a file for each of as many other values.");
        var files = new Dictionary<string, string>();
        foreach (var (table, rows) in segment.Rows)
            files[table] = StagedFiles.Describe(await tables[table].WriteAsync([rows], attempt, cancel));
        var partials = LakePaths.Partials(id, partition, from, attempt);
        await store.PutAsync(partials, SegmentCodec.Write(segment.Partials), cancel);
        return new StagedSegment(attempt, files, partials);
    }

    public async Task<IReadOnlyDictionary<EntityKey, byte[]>> ReadPartialsAsync(RangeRow range, CancellationToken cancel)
    {
        if (range.Inline is { } inline)
            return SegmentCodec.ReadPartials(inline);
        var name = range.Staged?.Partials
            ?? throw new InvalidDataException($"The range of partition {range.Partition} from {range.From} has no segment, neither inline nor staged; the ledger was damaged.");
        var blob = await store.GetAsync(name, cancel)
            ?? throw new InvalidDataException($"The staged partials {name} of partition {range.Partition} are gone while the ledger names them; restore the blob.");
        return SegmentCodec.ReadPartials(blob.Span);
    }

    public RowBatch ReadRows(RangeRow range, string table) =>
        range.Inline is { } inline
            ? SegmentCodec.ReadTable(inline, table) ?? throw new InvalidDataException($"The range of partition {range.Partition} from {range.From} has no rows for {table} though it counts {range.Rows.GetValueOrDefault(table)}; the ledger was damaged.")
            : throw new InvalidOperationException($"The range of partition {range.Partition} from {range.From} is staged; its rows are files.");

    public async Task<RowBatch?> ReadRowsAsync(RangeRow range, string table, IReadOnlyList<string> columns, CancellationToken cancel)
    {
        if (!range.Rows.ContainsKey(table))
            return null;
        if (range.Staged is not { } staged)
            return ReadRows(range, table);
        var files = StagedFiles.Parse(staged.Files[table]);
        return files.Count == 1
            ? await tables[table].ReadAsync(files, columns, cancel)
            : InOffsetOrder(await tables[table].ReadAsync(files, [.. columns.Append(Offset).Distinct()], cancel));
    }

    // Rows of several files, one for each date say, are in order within each file only.
    private static RowBatch InOffsetOrder(RowBatch rows)
    {
        var offsets = (Int64Column)rows[Offset];
        var order = Enumerable.Range(0, rows.Count).ToArray();
        Array.Sort(offsets.Values[..rows.Count], order);
        return RowBatches.Take(rows, order);
    }

    public async Task<IReadOnlyList<StagedPartials>> ListPartialsAsync(CancellationToken cancel)
    {
        var staged = new List<StagedPartials>();
        await foreach (var blob in store.ListAsync(LakePaths.Staging(id), null, cancel))
            if (LakePaths.ParsePartials(id, blob.Path) is var (partition, from))
                staged.Add(new StagedPartials(blob.Path, partition, from, blob.LastModified.ToUnixTimeMilliseconds()));
        return staged;
    }

    public async Task DeletePartialsAsync(string name, CancellationToken cancel)
    {
        if (LakePaths.ParsePartials(id, name) is null)
            throw new ArgumentException($"'{name}' is no staged blob of pipeline {id}; nothing else is deleted.", nameof(name));
        await store.DeleteAsync(name, cancel);
    }

    private static long EstimatedBytes(Segment segment) =>
        segment.Partials.Sum(p => (long)p.Value.Length) + segment.Rows.Values.Sum(rows => rows.Columns.Sum(Bytes));

    private static long Bytes(Column column) => column switch
    {
        BinaryColumn c => c.Count == 0 ? 0 : c.Offsets[c.Count] - c.Offsets[0],
        DictionaryColumn c => c.Count,
        Int128Column c => 16L * c.Count,
        BooleanColumn c => c.Count,
        _ => 4L * column.Count,
    };
}
