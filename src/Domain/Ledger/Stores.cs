using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>The source topic, asked directly and apart from the trigger.</summary>
public interface ITopicLog
{
    /// <summary>Partition numbers from the broker's metadata, ascending.</summary>
    Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel);

    /// <summary>First offset still there and the offset after the last record (high watermark).</summary>
    Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel);

    /// <summary>
    /// Records with offset in [from, to), ascending, at most <paramref name="limit"/>: fewer than that means no more records are there in the range.
    /// Offsets without record (control records, compaction, retention) are simply absent.
    /// </summary>
    Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel);

    /// <summary>First offset whose record has this Kafka time, ms, or a later one; the offset after the last record when there is none.</summary>
    Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel);
}

/// <summary>Bounds of a partition's log: [Start, End).</summary>
public readonly record struct LogBounds(long Start, long End);

/// <summary>Encodes small segments and stages large ones.</summary>
public interface ISegmentStore
{
    /// <summary>The encoded segment, or null when it is too large to ride in a range row.</summary>
    byte[]? TryEncode(Segment segment);

    /// <summary>Writes the segment as one file per table and a blob of partials, under names that hold <paramref name="attempt"/>.</summary>
    /// <exception cref="RangeTooLargeException">It would be more files than a range row can name; nothing was written.</exception>
    Task<StagedSegment> StageAsync(int partition, long from, string attempt, Segment segment, CancellationToken cancel);

    /// <summary>The partials of a range, inline or staged.</summary>
    Task<IReadOnlyDictionary<EntityKey, byte[]>> ReadPartialsAsync(RangeRow range, CancellationToken cancel);

    /// <summary>The rows of one table of an inline range.</summary>
    RowBatch ReadRows(RangeRow range, string table);

    /// <summary>The rows of one table of a range, inline or staged, in offset order, with at least these columns; null when it has none.</summary>
    Task<RowBatch?> ReadRowsAsync(RangeRow range, string table, IReadOnlyList<string> columns, CancellationToken cancel);

    /// <summary>All staged blobs of partials of this pipeline.</summary>
    Task<IReadOnlyList<StagedPartials>> ListPartialsAsync(CancellationToken cancel);

    /// <summary>Deletes a staged blob of partials; already gone is no error.</summary>
    Task DeletePartialsAsync(string name, CancellationToken cancel);
}

/// <summary>What would be noted of a range does not fit into its row: fewer records at once would.</summary>
public sealed class RangeTooLargeException(string message) : Exception(message);

/// <summary>A staged blob of partials: its name, and the partition and first offset of the attempt that wrote it.</summary>
public readonly record struct StagedPartials(string Name, int Partition, long From, long LastModifiedMs);

/// <summary>Durable entities that hold fold states.</summary>
public interface IEntities
{
    /// <summary>
    /// Last committed state, possibly stale; null when there is none. Throws <see cref="EntityStateGoneException"/> when the state is in a blob that is
    /// not there.
    /// </summary>
    Task<EntitySnapshot?> ReadAsync(EntityKey entity, CancellationToken cancel);

    /// <summary>Version of the last committed state, possibly stale, without the state; null when there is none.</summary>
    Task<long?> ReadVersionAsync(EntityKey entity, CancellationToken cancel);

    /// <summary>Sends Apply; it may arrive late, twice, out of order or never. A whole state too large for a signal goes to a blob first.</summary>
    Task SignalApplyAsync(EntityKey entity, ApplyInput input, CancellationToken cancel);

    /// <summary>Deletes a blob with a state that the entity named and does not name any more; already gone is no error.</summary>
    Task DropStateAsync(EntityKey entity, string blob, CancellationToken cancel);

    /// <summary>
    /// Deletes blobs with states that no entity names and no signal under way can make one name: the entity has moved beyond the version that they were
    /// made upon, or it is gone and <paramref name="isEvictable"/>.
    /// </summary>
    Task SweepStatesAsync(Func<EntityKey, bool> isEvictable, CancellationToken cancel);

    /// <summary>Sends Delete; likewise.</summary>
    Task SignalDeleteAsync(EntityKey entity, long version, CancellationToken cancel);

    /// <summary>Every entity of this pipeline that has state.</summary>
    Task<IReadOnlyList<EntityKey>> ListAsync(CancellationToken cancel);
}

/// <summary>
/// An entity names a blob that is gone. A ghost may: a late first Apply gives a deleted slice back a state whose blob was swept meanwhile. For an entity
/// that is still needed, state is lost.
/// </summary>
public sealed class EntityStateGoneException(EntityKey entity, string blob)
    : InvalidOperationException($"The state of entity {entity}, {blob}, is gone; restore the blob, or start a new PipelineVersion.");

/// <summary>What an entity holds, as read.</summary>
/// <param name="Version">Number of applies that took effect.</param>
/// <param name="Position">Per partition the offset up to which ranges are merged; a partition that is absent has none merged.</param>
/// <param name="State">Saved <see cref="IFoldState"/>.</param>
/// <param name="Faults">Operations that were refused, newest last; each becomes an alert.</param>
/// <param name="Blob">Blob that holds the state, too large for the entity; whoever reads the entity gets it as <paramref name="State"/>.</param>
public sealed record EntitySnapshot(
    long Version, IReadOnlyDictionary<int, long> Position, byte[] State, IReadOnlyList<string> Faults, string? Blob = null);

/// <summary>
/// The lake: Delta tables with txn positions. Rows and files are appended in one commit with the moves of positions, and only if every moved
/// appId still stands exactly where the caller read it.
/// </summary>
public interface ILake
{
    /// <summary>Current version (−1: no table) and all txn positions by appId.</summary>
    Task<TableHead> ReadHeadAsync(string table, CancellationToken cancel);

    /// <summary>
    /// Appends. True: committed as <c>Version</c>. False: a position was not as expected and nothing was committed. Throws when the outcome is
    /// not known or the store is away: the caller rereads the head.
    /// </summary>
    /// <param name="table">Table name, e.g. <c>gold/country_revenue</c>; created with its known schema when absent.</param>
    /// <param name="moves">Positions to move; Expected null = the appId has none yet.</param>
    /// <param name="rows">Rows to write as files of this commit; null or empty batches are fine.</param>
    /// <param name="stagedFiles">Descriptions of files staged before.</param>
    /// <param name="cancel">Cancellation.</param>
    Task<AppendOutcome> AppendAsync(string table, IReadOnlyList<PositionMove> moves, IReadOnlyList<RowBatch> rows, IReadOnlyList<string> stagedFiles, CancellationToken cancel);

    /// <summary>
    /// Rows of the newest version of a base table with just these columns, in no order. Bounds leave out files that cannot hold a row within them; rows
    /// outside may still come.
    /// </summary>
    IAsyncEnumerable<RowBatch> ReadRowsAsync(string table, IReadOnlyList<string> columns, IReadOnlyList<ColumnBounds> bounds, CancellationToken cancel);

    /// <summary>
    /// Commits after a version that moved this appId or one below it (<c>{appId}/…</c>), ascending, with rows in the order written and the position of the
    /// appId itself (the commit's version when it only moved others). Of the rows just these columns are read; null = all.
    /// </summary>
    IAsyncEnumerable<CommittedRows> ReadCommitsAsync(string table, string appId, long afterVersion, IReadOnlyList<string>? columns, CancellationToken cancel);

    /// <summary>
    /// The version behind which somebody begins who follows an appId and those below it, with their positions then: where they came into the table within the time given, the newest
    /// version that is older; else the newest of all.
    /// </summary>
    Task<TableHead> BeginAsync(string table, string appId, TimeSpan within, CancellationToken cancel);
}

/// <summary>Version and positions of a table.</summary>
public sealed record TableHead(long Version, IReadOnlyDictionary<string, long> Positions);

/// <summary>A position that a commit moves.</summary>
public readonly record struct PositionMove(string AppId, long? Expected, long Next);

/// <summary>How an append ended.</summary>
public readonly record struct AppendOutcome(bool Committed, long Version);

/// <summary>One commit of a query's table.</summary>
public sealed record CommittedRows(long Version, long Position, RowBatch Rows)
{
    /// <summary>Position of <c>{appId}/time</c> that the commit moved to, ms; null = it moved none.</summary>
    public long? TimeMs { get; init; }
}

/// <summary>Table storage with the newest results of a query, one row per window and group.</summary>
public interface IResults
{
    /// <summary>
    /// ETags by row key of the rows with window start ≥ <paramref name="fromWindowStart"/> (null = all), and of the <see cref="Fence"/> where there is one.
    /// </summary>
    Task<IReadOnlyDictionary<string, string>> ReadETagsAsync(IOutput query, long? fromWindowStart, CancellationToken cancel);

    /// <summary>ETag and revision by row key of all rows of a stream whose rows replace each other.</summary>
    Task<IReadOnlyDictionary<string, (string ETag, long Revision)>> ReadRevisionsAsync(IOutput output, CancellationToken cancel);

    /// <summary>Row key of a row of a result batch: newest first where there is a time, then keys, escaped.</summary>
    string RowKey(IOutput query, RowBatch rows, int row);

    /// <summary>
    /// Writes rows: insert where the ETag is null, else replace if it matches; insert or replace where it is <see cref="ResultWrite.Any"/>. Per row the new ETag, or null where the precondition did not hold
    /// (other rows may have been written).
    /// </summary>
    Task<IReadOnlyList<string?>> WriteAsync(IOutput query, RowBatch rows, IReadOnlyList<ResultWrite> writes, bool final, CancellationToken cancel);

    /// <summary>
    /// Writes and deletes rows of a query that withdraws (<see cref="QuerySpec.Withdraws"/>), and moves its fence in the very transactions that do so, at least
    /// once. Null: the fence, or a row, is not as expected, and another tick wrote in between (some rows may have been written).
    /// </summary>
    Task<FencedOutcome?> WriteFencedAsync(
        QuerySpec query, RowBatch rows, IReadOnlyList<ResultWrite> writes, IReadOnlyList<ResultDelete> deletes, string? fence, bool final, CancellationToken cancel);

    /// <summary>Start of the window that a row key is of, ms.</summary>
    long WindowStart(string rowKey);

    /// <summary>Time by which a row grows old (<see cref="IOutput.AgeColumn"/>), ms; null = it never does.</summary>
    long? AgeTime(IOutput output, RowBatch rows, int row);

    /// <summary>
    /// Removes rows with that time at or before <paramref name="upToMs"/>, at most so many. A row that changes meanwhile may stay. Returns how many went.
    /// </summary>
    Task<int> RemoveAsync(IOutput output, long upToMs, int most, CancellationToken cancel);

    /// <summary>
    /// Key under which <see cref="ReadETagsAsync"/> gives the ETag of a query's fence: a row beside the results of a query that withdraws, which every change
    /// of them replaces. Nothing else can tell a tick that has fallen behind that a row which it is about to insert was taken back: there
    /// is no row to collide with.
    /// </summary>
    const string Fence = "!fence";
}

/// <summary>A row to delete: its key, and the ETag it must have.</summary>
public readonly record struct ResultDelete(string RowKey, string ETag);

/// <summary>What fenced writes left: the ETag of the fence, and of every row written, in order.</summary>
public sealed record FencedOutcome(string Fence, IReadOnlyList<string> ETags);

/// <summary>One row to write: which row of the batch, its key, and the ETag it must replace (null = insert).</summary>
public readonly record struct ResultWrite(int Row, string RowKey, string? ETag)
{
    /// <summary>In place of an ETag: whatever is there is replaced. Only for rows whose content follows from their key.</summary>
    public const string Any = "*";

    /// <summary>Version of the Delta table that the row is of, kept with it; null = none is kept.</summary>
    public long? Revision { get; init; }
}

/// <summary>Where alerts go.</summary>
public interface IAlerts
{
    /// <summary>Raises an alert; the same name and subject raised again refreshes it.</summary>
    Task RaiseAsync(string name, string subject, string text, CancellationToken cancel);

    /// <summary>Says that what this process raised an alert for has ended, before the alert would end by itself. One that it never raised stays as it is.</summary>
    Task WithdrawAsync(string name, string subject, CancellationToken cancel);
}
