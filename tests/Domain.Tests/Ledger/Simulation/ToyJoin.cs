using System.Runtime.InteropServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>
/// Joins of two toy topics: events of one key, the right one 0 to 6 s after the left one. Three streams over the same commits: the pairs, left events without a partner, and events
/// that came too late.
/// </summary>
internal sealed class ToyJoinPipeline(PipelineId left, PipelineId right, ProtocolRule off) : IPipeline
{
    public const long WithinMs = 6_000, DelayMs = 4_000;

    public static IReadOnlyList<IReadOnlyList<string>> SideColumns { get; } = [["a", "b", "c"], ["c", "b", "a"]];

    public IReadOnlyList<TableSpec> Tables => [];

    public IReadOnlyList<QuerySpec> Queries => [];

    public IReadOnlyList<StreamSpec> Streams { get; } =
    [
        .. new[] { ("pairs", StreamResults.Rows), ("alone", StreamResults.None), ("late", StreamResults.None) }.Select(s => new StreamSpec(
            s.Item1, "silver", [], ToyRows.Empty.Schema, ["c"], "a", s.Item2, DelayMs + WithinMs + 1) { Joined = new(new(left, "left"), new(right, "right")), SideColumns = SideColumns }),
    ];

    public IStreamState OpenStream(string stream, ReadOnlySpan<byte> state) => new ToyJoin(stream, off, state);

    public bool IsEvictable(EntityKey key, Func<string, long?> positionOf) => false;

    public IDecodedRecords Decode(int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs) => throw new NotSupportedException();

    public Segment Build(IDecodedRecords decoded, long frontierMs) => throw new NotSupportedException();

    public IFoldState Load(EntityKey key, ReadOnlySpan<byte> state) => throw new NotSupportedException();

    public RowBatch Emit(string query, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched = null) => throw new NotSupportedException();

    /// <summary>Rows: times of both, an id of the pair, ids of both; time, id and key; time, id and side.</summary>
    private sealed class ToyJoin : JoinedState
    {
        private readonly string _stream;
        private readonly ProtocolRule _off;
        private readonly List<long[]> _held = [];       // side, time, key, id, matched

        public ToyJoin(string stream, ProtocolRule off, ReadOnlySpan<byte> saved)
        {
            (_stream, _off) = (stream, off);
            var reader = Restore(saved);
            if (saved.IsEmpty)
                return;
            foreach (var entry in MemoryMarshal.Cast<byte, long>(reader.Take(reader.Left).ToArray()).ToArray().Chunk(5))
                _held.Add(entry);
        }

        public override long Entries => _held.Count;

        protected override void Add(int side, RowBatch rows, ICollection<RowBatch> output)
        {
            var found = new List<long[]>();
            foreach (var row in ToyRows.Rows(rows))
            {
                var (time, key, id) = (row[2], row[3], row[5]);
                if (time <= FrontierMs - DelayMs)
                {
                    if (_stream == "late")
                        found.Add([time, id, side, 0, 0]);
                    continue;
                }

                if (_stream == "late")
                    continue;
                var entry = new[] { side, time, key, id, 0 };
                foreach (var other in _held.Where(h => h[0] != side && h[2] == key))
                {
                    var (l, r) = side == 0 ? (entry, other) : (other, entry);
                    if (r[1] < l[1] || r[1] > l[1] + WithinMs)
                        continue;
                    (l[4], r[4]) = (1, 1);
                    if (_stream == "pairs")
                        found.Add([l[1], r[1], l[3] * 1_000_000 + r[3], l[3], r[3]]);
                }

                _held.Add(entry);
            }

            if (found.Count > 0)
                output.Add(ToyRows.Of(found));
        }

        protected override void Moved(long frontierMs, ICollection<RowBatch> output)
        {
            var gone = _held.Where(h => h[1] + (h[0] == 0 ? WithinMs : 0) <= frontierMs - DelayMs).ToList();
            _held.RemoveAll(gone.Contains);
            var alone = gone.Where(h => h[0] == 0 && h[4] == 0).Select(h => new[] { h[1], h[3], h[2], 0, 0 }).ToList();
            if (_stream == "alone" && alone.Count > 0)
                output.Add(ToyRows.Of(alone));
        }

        private protected override void Save(ByteWriter to) => to.Bytes(MemoryMarshal.AsBytes<long>([.. _held.SelectMany(h => h)]));

        private protected override long Time(long left, long right) => _off.HasFlag(ProtocolRule.JoinTimeIsLesser) ? Math.Max(left, right) : base.Time(left, right);
    }
}

/// <summary>The lakes of two topics and the join's own, as the join sees them: <c>left</c> and <c>right</c> are their tables of events.</summary>
/// <param name="own">The join's.</param>
/// <param name="left">The left topic's.</param>
/// <param name="right">The right topic's.</param>
/// <param name="began">Is told of each version that a tick found to begin behind, 0 left and 1 right.</param>
internal sealed class ToyJoinLake(ILake own, ILake left, ILake right, Action<int, long> began) : ILake
{
    public Task<TableHead> ReadHeadAsync(string table, CancellationToken cancel) => own.ReadHeadAsync(table, cancel);

    public Task<AppendOutcome> AppendAsync(string table, IReadOnlyList<PositionMove> moves, IReadOnlyList<RowBatch> rows, IReadOnlyList<string> stagedFiles, CancellationToken cancel) =>
        own.AppendAsync(table, moves, rows, stagedFiles, cancel);

    public IAsyncEnumerable<RowBatch> ReadRowsAsync(string table, IReadOnlyList<string> columns, IReadOnlyList<Tidemark.Domain.Deduplication.ColumnBounds> bounds, CancellationToken cancel) =>
        own.ReadRowsAsync(table, columns, bounds, cancel);

    public IAsyncEnumerable<CommittedRows> ReadCommitsAsync(string table, string appId, long afterVersion, IReadOnlyList<string>? columns, CancellationToken cancel) => table switch
    {
        "left" => Of(0, left.ReadCommitsAsync("silver", appId[..^"left".Length] + "silver", afterVersion, columns, cancel), columns),
        "right" => Of(1, right.ReadCommitsAsync("silver", appId[..^"right".Length] + "silver", afterVersion, columns, cancel), columns),
        _ => own.ReadCommitsAsync(table, appId, afterVersion, columns, cancel),
    };

    // A toy row is never cut down, but a join that asks for other columns than its own is seen.
    private static IAsyncEnumerable<CommittedRows> Of(int side, IAsyncEnumerable<CommittedRows> commits, IReadOnlyList<string>? columns) =>
        columns == ToyJoinPipeline.SideColumns[side] ? commits : throw new InvalidOperationException($"Side {side} is read with columns {string.Join(", ", columns ?? ["all"])}.");

    // Some 20 s of a run stand for a day.
    public async Task<TableHead> BeginAsync(string table, string appId, TimeSpan within, CancellationToken cancel)
    {
        var head = await (table == "left" ? left : right).BeginAsync("silver", appId[..^table.Length] + "silver", within / 4_000, cancel);
        began(table == "left" ? 0 : 1, head.Version + 1);
        return head with { Positions = head.Positions.ToDictionary(p => p.Key.Replace("/silver/", $"/{table}/", StringComparison.Ordinal), p => p.Value) };
    }
}
