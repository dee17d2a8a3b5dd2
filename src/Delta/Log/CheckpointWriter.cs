using System.Text.Json;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>
/// Writes the classic single-file checkpoint of a version: PLAIN and Snappy, which every reader takes. The files of the checkpoint
/// before it are streamed through row group by row group; only what commits since then changed is held in memory.
/// </summary>
internal sealed class CheckpointWriter(IObjectStore store, LogReader log, string root, TimeProvider time)
{
    private const int BatchRows = 20_000;
    private const long BatchBytes = 8L << 20;
    private const long Budget = 2L << 30;
    private static readonly ParquetWriterOptions Layout = new() { DictionaryBytes = 0, RowGroupRows = BatchRows, RowGroupBytes = 4 * BatchBytes };

    /// <summary>The version checkpointed, or -1 when there was nothing to do.</summary>
    public async ValueTask<long> WriteAsync(CancellationToken ct)
    {
        var plan = await log.PlanAsync(null, ct).ConfigureAwait(false);
        if (plan is null || plan.Checkpoint?.Version == plan.Version) return -1;
        var tail = new CheckpointTail();
        if (plan.Checkpoint is not null) await CheckpointReader.ReadAsync(store, plan.Checkpoint, new WithoutFiles(tail), ct).ConfigureAwait(false);
        await log.ReplayAsync(plan, (plan.Checkpoint?.Version ?? -1) + 1, tail, ct).ConfigureAwait(false);
        if (tail.LastProtocol is null || tail.LastMetadata is null) throw new DeltaFormatException($"The log of table {log.Table} holds no protocol or no metaData up to version {plan.Version}.");
        tail.LastProtocol.CheckWritable(log.Table);
        using var output = new PooledStream();
        using var writer = new ParquetWriter(output, CheckpointSchema.Written, Layout);
        var rows = await WriteRowsAsync(plan, tail, writer, ct).ConfigureAwait(false);
        writer.Finish();
        // Two maintainers may get here; the content is the same, and one put-if-absent cannot mix them.
        await store.PutIfAbsentAsync(root + LogPath.Checkpoint(plan.Version), output.Written, ct).ConfigureAwait(false);
        await PointAsync(plan.Version, rows.Actions, rows.Adds, output.Written.Length, ct).ConfigureAwait(false);
        return plan.Version;
    }

    private async ValueTask<(long Actions, long Adds)> WriteRowsAsync(LogPlan plan, CheckpointTail tail, ParquetWriter writer, CancellationToken ct)
    {
        var expired = time.GetUtcNow().ToUnixTimeMilliseconds() - (long)TableProperties.DeletedFileRetention(tail.LastMetadata!.Configuration).TotalMilliseconds;
        var sink = new RowSink(writer, tail, expired);
        sink.Head();
        foreach (var file in tail.Files.Values) sink.Write(file);
        foreach (var file in tail.Removed.Values) sink.Write(file);
        if (plan.Checkpoint is not null) await CheckpointReader.ReadAsync(store, plan.Checkpoint, sink, ct).ConfigureAwait(false);
        sink.Flush();
        return (sink.Actions, sink.Adds);
    }

    // The hint never moves backwards.
    private async ValueTask PointAsync(long version, long actions, long adds, long bytes, CancellationToken ct)
    {
        var path = root + LogPath.LastCheckpoint;
        var content = JsonSerializer.SerializeToUtf8Bytes(new { version, size = actions, sizeInBytes = bytes, numOfAddFiles = adds });
        while (true)
        {
            var before = await store.HeadAsync(path, ct).ConfigureAwait(false);
            if (before is null)
            {
                if (await store.PutIfAbsentAsync(path, content, ct).ConfigureAwait(false)) return;
                continue;
            }

            if (await store.GetAsync(path, ct).ConfigureAwait(false) is { } now && LogReader.ParseHint(now.Span) >= version) return;
            if (await store.PutIfMatchAsync(path, content, before.Value.ETag, ct).ConfigureAwait(false)) return;
        }
    }

    /// <summary>Turns actions into rows; what a later commit has changed is left out.</summary>
    private sealed class RowSink(ParquetWriter writer, CheckpointTail tail, long expired) : IActionSink
    {
        private CheckpointBatch _batch = new();

        public long Actions { get; private set; }

        public long Adds { get; private set; }

        public bool WantsFiles => true;

        public void Head()
        {
            _batch.Protocol(tail.LastProtocol!);
            _batch.Metadata(tail.LastMetadata!);
            Actions += 2;
            foreach (var txn in tail.Transactions.Values)
            {
                _batch.Txn(txn);
                Next();
            }
        }

        public void Write(DataFile file)
        {
            _batch.Add(file);
            Adds++;
            Next();
        }

        public void Write(Tombstone file)
        {
            if (file.DeletionTimestamp <= expired) return;
            _batch.Remove(file);
            Next();
        }

        public void Add(DataFile file, bool dataChange)
        {
            if (!tail.Changed(file.Path)) Write(file);
        }

        public void Remove(Tombstone file)
        {
            if (!tail.Changed(file.Path)) Write(file);
        }

        public void Metadata(Metadata metadata)
        {
        }

        public void Protocol(Protocol protocol)
        {
        }

        public void Txn(Txn txn)
        {
        }

        public void CommitInfo(CommitInfo info)
        {
        }

        private void Next()
        {
            Actions++;
            if (_batch.Rows >= BatchRows || _batch.Bytes >= BatchBytes) Flush();
        }

        public void Flush()
        {
            if (_batch.Rows > 0) writer.Write(_batch.Build());
            _batch = new CheckpointBatch();
        }
    }

    /// <summary>Passes on all but files.</summary>
    private sealed class WithoutFiles(IActionSink inner) : IActionSink
    {
        public bool WantsFiles => false;

        public void Add(DataFile file, bool dataChange)
        {
        }

        public void Remove(Tombstone file)
        {
        }

        public void Metadata(Metadata metadata) => inner.Metadata(metadata);

        public void Protocol(Protocol protocol) => inner.Protocol(protocol);

        public void Txn(Txn txn) => inner.Txn(txn);

        public void CommitInfo(CommitInfo info) => inner.CommitInfo(info);
    }
}
