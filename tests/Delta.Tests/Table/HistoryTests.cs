using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

/// <summary>
/// Random histories of every operation, with crashes at random writes (before or after their effect) and other writers that commit
/// in between. A model knows which rows must be there; the table must hold exactly those, whoever reads it.
/// </summary>
[Collection(ForeignReadersCollection.Name)]
public sealed class HistoryTests(ForeignReaders readers)
{
    private const int Days = 4;

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        // TIDEMARK_HISTORY_SEEDS asks for more.
        var count = int.TryParse(Environment.GetEnvironmentVariable("TIDEMARK_HISTORY_SEEDS"), out var asked) ? asked : 40;
        for (var seed = 1; seed <= count; seed++) seeds.Add(seed);
        return seeds;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_random_history_leaves_exactly_the_committed_rows(int seed)
    {
        var time = new FakeTime();
        await new History(seed, new MemoryObjectStore(time), time).RunAsync(45);
    }

    [Theory]
    [InlineData(101)]
    [InlineData(102)]
    [InlineData(103)]
    public async Task What_a_random_history_leaves_is_the_same_for_other_readers(int seed)
    {
        using var folder = new TemporaryFolder();
        var time = new FakeTime();
        var history = new History(seed, new LocalObjectStore(folder.Path, time), time);
        await history.RunAsync(40);
        foreach (var reader in ForeignReaders.Names)
        {
            var (rows, _) = await readers.TableAsync(reader, Path.Combine(folder.Path, "t"));
            Canon.AssertSame(Canon.Rows(History.Rows(history.Expected)), rows, $"{reader}, seed {seed}", ordered: false);
        }
    }

    private sealed class History
    {
        private readonly Random _random;
        private readonly FaultyObjectStore _store;
        private readonly FakeTime _time;
        private readonly List<string> _trace = [];
        private readonly int _seed;
        private DeltaTable _table;
        private Dictionary<long, int> _model = [];
        private long _nextId;
        private bool _nested;

        public History(int seed, IObjectStore store, FakeTime time)
        {
            _seed = seed;
            _random = new Random(seed);
            _store = new FaultyObjectStore(store);
            _time = time;
            _table = Open();
        }

        public IReadOnlyDictionary<long, int> Expected => _model;

        private DeltaTable Open() => DeltaTable.Open(_store, "t", new DeltaTableOptions
        {
            // Small enough that rewritten files and checkpoints are stored in parts.
            Time = _time, UploadPartBytes = 2000, NewId = () => { var bytes = new byte[16]; _random.NextBytes(bytes); return new Guid(bytes); },
        });

        public static RecordBatch Rows(IReadOnlyDictionary<long, int> rows)
        {
            var ids = rows.Keys.Order().ToArray();
            var batch = Orders.Rows(ids);
            return new RecordBatch(Orders.Daily, [.. batch.Columns, new Int32Column([.. ids.Select(i => 19_700 + rows[i])], ids.Length)], ids.Length);
        }

        public async Task RunAsync(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                _time.Advance(TimeSpan.FromHours(_random.Next(30)));
                await StepAsync();
                await CheckAsync();
            }
        }

        private async Task StepAsync()
        {
            var (name, run, effect) = Operation();
            _trace.Add(name);
            var fault = _random.Next(5) == 0 ? _random.Next(1, 5) : -1;
            var kind = _random.Next(2) == 0 ? FaultyObjectStore.Fault.Before : FaultyObjectStore.Fault.After;
            // The fault may hit one write (the operation survives or fails), or everything from there on (a crash).
            var crash = _random.Next(2) == 0;
            var writes = 0;
            var crashed = false;
            _store.OnWrite = _ =>
            {
                if (_nested || fault < 0) return FaultyObjectStore.Fault.None;
                writes++;
                if (writes != fault && !(crash && crashed)) return FaultyObjectStore.Fault.None;
                if (crashed) return FaultyObjectStore.Fault.Before;
                crashed = true;
                return kind;
            };
            var interfere = _random.Next(4) == 0;
            _store.BeforePut = async path =>
            {
                if (!interfere || _nested || !path.Contains("_delta_log/0") || path.EndsWith(".parquet", StringComparison.Ordinal)) return;
                interfere = false;
                _nested = true;
                await InterfereAsync();
                _nested = false;
            };
            try
            {
                await run();
                _model = effect(_model);
            }
            catch (DeltaConflictException)
            {
                _trace.Add("  conflict");
            }
            catch (StoreFault crashError)
            {
                _trace.Add($"  {crashError.Message}");
                _store.OnWrite = _ => FaultyObjectStore.Fault.None;
                // The commit counts or it does not; it must be one of the two.
                _table = Open();
                var now = await ReadAsync();
                var after = effect(_model);
                if (Same(now, after)) _model = after;
            }
            finally
            {
                _store.OnWrite = _ => FaultyObjectStore.Fault.None;
                _store.BeforePut = _ => Task.CompletedTask;
            }

            if (_random.Next(4) == 0) _table = Open();
        }

        private async Task InterfereAsync()
        {
            var other = Open();
            var rows = NewRows(_random.Next(1, 4));
            if (_random.Next(3) == 0 && (await other.RefreshAsync()).Version >= 0)
            {
                _trace.Add("  other: optimize");
                await other.OptimizeAsync();
                return;
            }

            _trace.Add($"  other: append {string.Join(",", rows.Keys)}");
            await other.AppendAsync(new AppendRequest { Schema = Orders.Daily, Files = await other.WriteFilesAsync(Rows(rows), ["day"]), PartitionColumns = ["day"] });
            _model = Union(_model, rows);
        }

        private (string Name, Func<Task> Run, Func<Dictionary<long, int>, Dictionary<long, int>> Effect) Operation()
        {
            var table = _table;
            var rows = NewRows(_random.Next(1, 6));
            var day = _random.Next(Days);
            var exists = _model.Count > 0;
            switch (exists ? _random.Next(12) : 0)
            {
                case 5:
                    return ("overwrite", async () => await table.OverwriteAsync(await table.WriteFilesAsync(Rows(rows), ["day"])), _ => rows);
                case 6:
                    foreach (var id in rows.Keys.ToList()) rows[id] = day;
                    return ($"replace day {day}", async () => await table.ReplacePartitionsAsync(await table.WriteFilesAsync(Rows(rows), ["day"])),
                        m => Union(m.Where(r => r.Value != day), rows));
                case 7:
                    return ($"delete day {day}", async () => await table.DeletePartitionsAsync(p => p["day"] == Day(day)), m => new(m.Where(r => r.Value != day)));
                case 8:
                    // Some old ids, moved to other days, and some new ones.
                    foreach (var id in _model.Keys.Where(_ => _random.Next(5) == 0).Take(4)) rows[id] = day;
                    return ("merge", async () => await table.MergeAsync(Rows(rows), ["id"]), m => Union(m.Where(r => !rows.ContainsKey(r.Key)), rows));
                case 9:
                    var limit = _nextId / 2;
                    return ($"replace ids below {limit}", async () => await table.ReplaceRowsAsync(Rows(rows), new ScanFilter().Between("id", null, limit - 1),
                        b => [.. ((Int64Column)b["id"]).Values.Take(b.RowCount).Select(i => i < limit)], ["id"]), m => Union(m.Where(r => r.Key >= limit), rows));
                case 10:
                    return ("optimize", async () => await table.OptimizeAsync(new OptimizeOptions { SortBy = _random.Next(2) == 0 ? ["id"] : null }), m => m);
                case 11:
                    return ("maintain", async () =>
                    {
                        await table.CheckpointAsync();
                        await table.CleanupLogAsync();
                        await table.VacuumAsync();
                    }, m => m);
                default:
                    return ($"append {string.Join(",", rows.Keys)}", async () =>
                    {
                        var files = await table.WriteFilesAsync(Rows(rows), ["day"]);
                        var current = (await table.RefreshAsync()).TransactionOf("app");
                        var result = await table.AppendAsync(new AppendRequest
                        {
                            Schema = Orders.Daily, Files = files, PartitionColumns = ["day"], Transactions = [new TxnMove("app", current, (current ?? 0) + 1)],
                        });
                        Assert.IsType<AppendResult.Committed>(result);
                    }, m => Union(m, rows));
            }
        }

        private Dictionary<long, int> NewRows(int count) => Enumerable.Range(0, count).ToDictionary(_ => _nextId++, _ => _random.Next(Days));

        private static Dictionary<long, int> Union(IEnumerable<KeyValuePair<long, int>> a, IEnumerable<KeyValuePair<long, int>> b) => new(a.Concat(b));

        private static string Day(int day) => DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(19_700 + day).ToString("yyyy-MM-dd");

        private async Task<List<(long Id, int Day)>> ReadAsync()
        {
            var table = Open();
            var rows = new List<(long, int)>();
            if ((await table.RefreshAsync()).Version < 0) return rows;
            await foreach (var batch in table.ReadAsync(await table.SnapshotAsync(), ["id", "day"]))
            {
                for (var i = 0; i < batch.RowCount; i++) rows.Add((((Int64Column)batch.Columns[0]).Values[i], ((Int32Column)batch.Columns[1]).Values[i] - 19_700));
            }

            rows.Sort();
            return rows;
        }

        private static bool Same(List<(long Id, int Day)> rows, Dictionary<long, int> model) =>
            rows.SequenceEqual(model.Select(r => (r.Key, r.Value)).Order());

        private async Task CheckAsync()
        {
            var rows = await ReadAsync();
            Assert.True(Same(rows, _model), $"seed {_seed}: read {string.Join(" ", rows)}\nexpected {string.Join(" ", _model.OrderBy(r => r.Key).Select(r => (r.Key, r.Value)))}\nafter\n{string.Join("\n", _trace)}");
            // A head kept warm through all of it knows what a fresh one knows.
            TableHead warm = await _table.RefreshAsync(), cold = await Open().RefreshAsync();
            Assert.Equal(cold.Version, warm.Version);
            Assert.Equal(cold.TransactionOf("app"), warm.TransactionOf("app"));
        }
    }
}
