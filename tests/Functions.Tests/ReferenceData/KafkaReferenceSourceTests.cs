using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.ReferenceData;

namespace Tidemark.Functions.Tests.ReferenceData;

public sealed class KafkaReferenceSourceTests
{
    private readonly Log _log = new();

    [Fact]
    public async Task The_topic_is_read_to_its_end_then_followed_as_a_file_of_its_newest_rows_would_be()
    {
        var source = New();
        for (var i = 0; i < 25_000; i++)
            _log.Add(i % 3, $"P{i % 700}", $"{{\"name\":\"N{i}\"}}");
        var first = (await source.ReadAsync(null, default))!;
        Assert.Equal(Expected(), first.Table.Version);
        Assert.Equal(700, first.Table.Count);
        Assert.Null(await source.ReadAsync(first.Mark, default));

        _log.Add(0, "P3", null);
        _log.Add(1, "P4", "{\"name\":\"New\"}");
        var second = (await source.ReadAsync(first.Mark, default))!;
        Assert.Equal(Expected(), second.Table.Version);
        Assert.Equal(699, second.Table.Count);
        // A process that starts now has the same version, and so has one that starts when the log has been compacted.
        Assert.Equal(second.Table.Version, (await New().ReadAsync(null, default))!.Table.Version);
        _log.Compact();
        Assert.Equal(second.Table.Version, (await New().ReadAsync(null, default))!.Table.Version);
        Assert.Null(await source.ReadAsync(second.Mark, default));
    }

    [Fact]
    public async Task A_look_that_fails_half_way_is_finished_by_the_next()
    {
        var source = New();
        _log.Add(0, "A", "{\"name\":\"1\"}");
        _log.Add(1, "B", "{\"name\":\"1\"}");
        _log.FailAt = 1;
        await Assert.ThrowsAsync<TimeoutException>(() => source.ReadAsync(null, default));
        _log.FailAt = null;
        Assert.Equal(2, (await source.ReadAsync(null, default))!.Table.Count);
    }

    [Fact]
    public async Task A_topic_made_anew_is_read_from_its_beginning()
    {
        var source = New();
        _log.Add(0, "A", "{\"name\":\"1\"}");
        _log.Add(0, "B", "{\"name\":\"1\"}");
        var mark = (await source.ReadAsync(null, default))!.Mark;
        _log.Clear();
        _log.Add(0, "C", "{\"name\":\"1\"}");
        var table = (await source.ReadAsync(mark, default))!.Table;
        Assert.Equal((1, -1, 0), (table.Count, table.Find("A"u8), table.Find("C"u8)));
    }

    [Fact]
    public async Task A_bad_record_is_complained_of_until_it_is_mended()
    {
        var source = New();
        _log.Add(0, "A", "{\"name\":\"1\"}");
        _log.Add(0, "A", "{\"price\":\"dear\"}");
        Assert.Equal(1, (await source.ReadAsync(null, default))!.Table.Count);
        Assert.Contains("partition 0, offset 1 of product_id 'A' has the price 'dear'", source.Complaint);
        _log.Add(0, "A", null);
        Assert.Equal(0, (await source.ReadAsync(null, default))!.Table.Count);
        Assert.Null(source.Complaint);
    }

    private KafkaReferenceSource New() => new("products", ReferenceSchema.Catalog, _log, NullLogger<KafkaReferenceSource>.Instance);

    /// <summary>The version of a CSV file of what each key was last given; keys of this test stay in one partition unless times say which is newer.</summary>
    private string Expected()
    {
        var newest = _log.All.GroupBy(r => r.Key).Select(g => g.MaxBy(r => r.Time)).Where(r => r.Value is not null);
        return ReferenceCsv.Read(ReferenceSchema.Catalog, Encoding.UTF8.GetBytes("product_id,name\n" + string.Join('\n', newest.Select(r => $"{r.Key},{r.Value!.Split('"')[3]}")))).Version;
    }

    /// <summary>Three partitions; times ascend over all of them.</summary>
    private sealed class Log : ITopicLog
    {
        private readonly List<(long Offset, string Key, string? Value, long Time)>[] _partitions = [[], [], []];
        private readonly long[] _ends = new long[3];
        private long _time;

        public int? FailAt { get; set; }

        public IEnumerable<(long Offset, string Key, string? Value, long Time)> All => _partitions.SelectMany(p => p);

        public void Add(int partition, string key, string? value) => _partitions[partition].Add((_ends[partition]++, key, value, ++_time));

        public void Compact()
        {
            foreach (var partition in _partitions)
            {
                var kept = partition.GroupBy(r => r.Key).Select(g => g.MaxBy(r => r.Offset)).OrderBy(r => r.Offset).ToList();
                partition.Clear();
                partition.AddRange(kept);
            }
        }

        public void Clear()
        {
            Array.Clear(_ends);
            foreach (var partition in _partitions)
                partition.Clear();
        }

        public Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<int>>([0, 1, 2]);

        public Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel) => Task.FromResult(new LogBounds(0, _ends[partition]));

        public Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel) => partition == FailAt
            ? throw new TimeoutException("the broker is away")
            : Task.FromResult<IReadOnlyList<SourceRecord>>([.. _partitions[partition].Where(r => r.Offset >= from && r.Offset < to).Take(limit)
                .Select(r => new SourceRecord(r.Offset, r.Time, Encoding.UTF8.GetBytes(r.Key), r.Value is null ? null : Encoding.UTF8.GetBytes(r.Value), []))]);

        public Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel) =>
            Task.FromResult(_partitions[partition].Where(r => r.Time >= timeMs).Select(r => (long?)r.Offset).FirstOrDefault() ?? _ends[partition]);
    }
}
