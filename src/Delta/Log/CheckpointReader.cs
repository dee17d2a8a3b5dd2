using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>Reads checkpoints, whoever wrote them. A reader that does not want files fetches only the columns it needs.</summary>
internal static class CheckpointReader
{
    private static readonly ReadLimits Limits = new(2L << 30);

    public static async ValueTask ReadAsync(IObjectStore store, CheckpointFiles checkpoint, IActionSink sink, CancellationToken ct)
    {
        foreach (var part in checkpoint.Parts)
        {
            using var source = new StoredSource(store, part.Path, part.Size, reuse: true);
            var reader = await ParquetReader.OpenAsync(source, Limits, ct).ConfigureAwait(false);
            for (var group = 0; group < reader.Metadata.Groups.Count; group++)
            {
                var batch = await reader.ReadGroupAsync(group, sink.WantsFiles ? CheckpointSchema.Whole : CheckpointSchema.HeadOnly, ct).ConfigureAwait(false);
                Read(batch, sink);
                await sink.PauseAsync(ct).ConfigureAwait(false);
            }
        }
    }

    private static void Read(RecordBatch batch, IActionSink sink)
    {
        var txn = new StructCells((StructColumn)batch["txn"]);
        var metadata = new StructCells((StructColumn)batch["metaData"]);
        var protocol = new StructCells((StructColumn)batch["protocol"]);
        for (var row = 0; row < batch.RowCount; row++)
        {
            // Some writers leave the struct there and its fields null.
            if (txn.Text(row, 0) is { } app) sink.Txn(new Txn(app, txn.Long(row, 1) ?? 0, txn.Long(row, 2)));
            if (metadata.Text(row, 4) is not null) sink.Metadata(ReadMetadata(metadata, row));
            if (protocol.Long(row, 0) is { } reader)
                sink.Protocol(new Protocol((int)reader, (int)(protocol.Long(row, 1) ?? 2), protocol.List(row, 2), protocol.List(row, 3)));
        }

        if (sink.WantsFiles) ReadFiles(batch, sink);
    }

    private static void ReadFiles(RecordBatch batch, IActionSink sink)
    {
        var add = new StructCells((StructColumn)batch["add"]);
        var remove = new StructCells((StructColumn)batch["remove"]);
        for (var row = 0; row < batch.RowCount; row++)
        {
            if (add.Text(row, 0) is { } path)
            {
                if (((StructColumn)add.Field(7)).Fields[0] is { } vector && !vector.IsNull(row) && !add.Field(7).IsNull(row))
                    throw new DeltaUnsupportedException($"File {path} has a deletion vector, which is not supported here; this library reads tables of reader version 1.");
                var stats = sink.Stats == StatsForm.Text ? add.Text(row, 6) : null;
                var file = new DataFile(LogPath.Decode(path), add.Long(row, 2) ?? 0, add.Map(row, 1) ?? StructCells.NoValues, stats, Statistics.RowCount(stats), add.Long(row, 3) ?? 0);
                if (sink.Stats == StatsForm.Bytes) sink.Add(file, add.Bytes(row, 6));
                else sink.Add(file, dataChange: false);
            }

            if (remove.Text(row, 0) is { } removed)
                sink.Remove(new Tombstone(LogPath.Decode(removed), remove.Long(row, 1) ?? 0, remove.Bool(row, 2) ?? false, remove.Map(row, 4), remove.Long(row, 5)));
        }
    }

    private static Metadata ReadMetadata(StructCells cells, int row) => new(cells.Text(row, 0) ?? "", cells.Text(row, 1), cells.Text(row, 2),
        cells.Text(row, 4)!, cells.List(row, 5) ?? [], (cells.Map(row, 6) ?? StructCells.NoValues).ToDictionary(c => c.Key, c => c.Value ?? ""), cells.Long(row, 7));
}
