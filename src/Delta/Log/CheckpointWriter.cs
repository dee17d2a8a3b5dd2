using System.Text.Json;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>
/// Writes the classic single-file checkpoint of a version: PLAIN and Snappy, which every reader takes. The files of the checkpoint
/// before it are streamed through row group by row group, then the commits since then, read twice: once to learn which action of a
/// path is the last, once to write it. The file leaves in parts as they fill. So memory holds the paths that the commits name, a row
/// group and a part, however many files the table has and however long their statistics are.
/// </summary>
internal sealed class CheckpointWriter(IObjectStore store, LogReader log, string root, DeltaTableOptions options)
{
    private const int BatchRows = 20_000;
    private const long BatchBytes = 4L << 20;
    private const int MostPartBytes = 4 << 20;
    private static readonly ParquetWriterOptions Layout = new() { DictionaryBytes = 0, RowGroupRows = BatchRows, RowGroupBytes = 8 * BatchBytes };

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
        await using var output = new ObjectUpload(store, root + LogPath.Checkpoint(plan.Version), Math.Min(options.UploadPartBytes, MostPartBytes));
        using var writer = new ParquetWriter(output, CheckpointSchema.Written, Layout);
        var rows = await WriteRowsAsync(plan, tail, writer, output, ct).ConfigureAwait(false);
        writer.Finish();
        // Two maintainers may get here; the content is the same, and the parts of one cannot mix with those of the other.
        await output.CommitIfAbsentAsync(ct).ConfigureAwait(false);
        await PointAsync(plan.Version, rows.Actions, rows.Adds, output.Length, ct).ConfigureAwait(false);
        return plan.Version;
    }

    private async ValueTask<(long Actions, long Adds)> WriteRowsAsync(LogPlan plan, CheckpointTail tail, ParquetWriter writer, ObjectUpload output, CancellationToken ct)
    {
        var expired = options.Time.GetUtcNow().ToUnixTimeMilliseconds() - (long)TableProperties.DeletedFileRetention(tail.LastMetadata!.Configuration).TotalMilliseconds;
        var sink = new RowSink(writer, output, tail, expired);
        sink.Head(options.Time.GetUtcNow());
        if (plan.Checkpoint is not null) await CheckpointReader.ReadAsync(store, plan.Checkpoint, sink, ct).ConfigureAwait(false);
        await log.ReplayAsync(plan, (plan.Checkpoint?.Version ?? -1) + 1, sink, ct).ConfigureAwait(false);
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
    private sealed class RowSink(ParquetWriter writer, ObjectUpload output, CheckpointTail tail, long expired) : IVersionedSink
    {
        private long? _version;
        // Files that are there stand apart, because rows of one kind need not be spread over null places.
        private readonly CheckpointBatch _adds = new(), _others = new();

        public long Actions { get; private set; }

        public long Adds { get; private set; }

        public bool WantsFiles => true;

        public ValueTask PauseAsync(CancellationToken ct) => output.SendAsync(ct);

        public void Head(DateTimeOffset now)
        {
            var forgotten = TableProperties.TransactionRetention(tail.LastMetadata!.Configuration) is { } retention ? (now - retention).ToUnixTimeMilliseconds() : long.MinValue;
            _others.Protocol(tail.LastProtocol!);
            _others.Metadata(tail.LastMetadata!);
            Actions += 2;
            foreach (var txn in tail.Transactions.Values)
            {
                if (txn.LastUpdated < forgotten) continue;
                _others.Txn(txn);
                Next(_others);
            }
        }

        public void Begin(long version) => _version = version;

        public StatsForm Stats => StatsForm.Bytes;

        public void Add(DataFile file, bool dataChange) => throw new InvalidOperationException("Statistics come as bytes.");

        public void Add(DataFile file, ReadOnlySpan<byte> stats)
        {
            if (!tail.Counts(file.Path, _version, added: true)) return;
            _adds.Add(file, stats);
            Adds++;
            Next(_adds);
        }

        public void Remove(Tombstone file)
        {
            if (file.DeletionTimestamp <= expired || !tail.Counts(file.Path, _version, added: false)) return;
            _others.Remove(file);
            Next(_others);
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

        private void Next(CheckpointBatch batch)
        {
            Actions++;
            if (batch.Rows >= BatchRows || batch.Bytes >= BatchBytes) Flush(batch);
        }

        public void Flush()
        {
            Flush(_others);
            Flush(_adds);
        }

        private void Flush(CheckpointBatch batch)
        {
            if (batch.Rows == 0) return;
            writer.Write(batch.Build());
            writer.EndGroup();
            batch.Clear();
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
