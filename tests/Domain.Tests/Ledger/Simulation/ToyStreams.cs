using System.Runtime.InteropServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>A toy stream: its state is rows of 64-bit words, the frontier first.</summary>
internal abstract class ToyStream : IStreamState
{
    private protected readonly List<long[]> _entries = [];

    private protected ToyStream(ReadOnlySpan<byte> saved, int width)
    {
        var words = MemoryMarshal.Cast<byte, long>(saved);
        if (words.Length == 0)
            return;
        FrontierMs = words[0] == long.MinValue ? null : words[0];
        for (var at = 1; at < words.Length; at += width)
            _entries.Add(words.Slice(at, width).ToArray());
    }

    public long? FrontierMs { get; private set; }

    public long Entries => _entries.Count;

    public void Advance(long frontierMs, ICollection<RowBatch> output)
    {
        if (frontierMs <= FrontierMs)
            return;
        FrontierMs = frontierMs;
        Due(frontierMs, output);
    }

    public abstract void Add(RowBatch rows, ICollection<RowBatch> output);

    public byte[] Save() => MemoryMarshal.AsBytes<long>([FrontierMs ?? long.MinValue, .. _entries.SelectMany(e => e)]).ToArray();

    private protected abstract void Due(long frontierMs, ICollection<RowBatch> output);

    private protected static void Emit(List<long[]> rows, ICollection<RowBatch> output)
    {
        if (rows.Count > 0)
            output.Add(ToyRows.Of(rows));
    }
}

/// <summary>Sessions by partition and key: start, end, key, count, sum.</summary>
internal sealed class ToyVisits(ReadOnlySpan<byte> saved) : ToyStream(saved, 5)
{
    public const long GapMs = 6_000, DelayMs = 4_000;

    public override void Add(RowBatch rows, ICollection<RowBatch> output)
    {
        foreach (var row in ToyRows.Rows(rows))
        {
            long start = row[2], end = start + GapMs, key = row[3] * 10 + row[0];
            if (end <= FrontierMs - DelayMs)
                continue;
            var visit = new[] { start, end, key, 1, row[4] };
            foreach (var other in _entries.Where(e => e[2] == key && e[0] <= end && start <= e[1]).ToList())
            {
                _entries.Remove(other);
                visit = [Math.Min(visit[0], other[0]), Math.Max(visit[1], other[1]), key, visit[3] + other[3], visit[4] + other[4]];
                (start, end) = (visit[0], visit[1]);
            }

            _entries.Add(visit);
        }
    }

    private protected override void Due(long frontierMs, ICollection<RowBatch> output)
    {
        var closed = _entries.Where(e => e[1] <= frontierMs - DelayMs).OrderBy(e => e[1]).ThenBy(e => e[2]).ToList();
        _entries.RemoveAll(closed.Contains);
        Emit(closed, output);
    }
}

/// <summary>Every row at once, with what its partition and key had so far: 0, offset (or start), key, number, sum.</summary>
internal sealed class ToyRuns(ReadOnlySpan<byte> saved) : ToyStream(saved, 3)
{
    public override void Add(RowBatch rows, ICollection<RowBatch> output)
    {
        var emitted = new List<long[]>();
        foreach (var row in ToyRows.Rows(rows))
        {
            // Rows of silver are partition, offset, time, key, amount; those of visits start, end, key, count, sum.
            var isVisit = row[0] > 1_000_000;
            var key = isVisit ? row[2] : row[3] * 10 + row[0];
            if (_entries.Find(e => e[0] == key) is not { } entry)
                _entries.Add(entry = [key, 0, 0]);
            (entry[1], entry[2]) = (entry[1] + 1, entry[2] + row[4]);
            emitted.Add([0, isVisit ? row[0] : row[1], key, entry[1], entry[2]]);
        }

        Emit(emitted, output);
    }

    private protected override void Due(long frontierMs, ICollection<RowBatch> output)
    {
    }
}

/// <summary>Running totals of a query's windows by key, and a row with count -1 where a key has had no window for long: start, end, key, number, sum.</summary>
internal sealed class ToyTotals(ReadOnlySpan<byte> saved) : ToyStream(saved, 5)
{
    public const long QuietMs = 30_000;

    public override void Add(RowBatch rows, ICollection<RowBatch> output)
    {
        foreach (var row in ToyRows.Rows(rows))
        {
            // Every window that ends earlier has come: time is just before this one's end.
            Advance(row[1] - 1, output);
            if (_entries.Find(e => e[0] == row[2]) is not { } entry)
                _entries.Add(entry = [row[2], 0, 0, 0, 0]);
            (entry[1], entry[2], entry[3], entry[4]) = (entry[1] + 1, entry[2] + row[4], row[1], 1);
            Emit([[row[0], row[1], row[2], entry[1], entry[2]]], output);
        }
    }

    private protected override void Due(long frontierMs, ICollection<RowBatch> output)
    {
        var quiet = _entries.Where(e => e[4] == 1 && e[3] + QuietMs <= frontierMs).OrderBy(e => e[3]).ThenBy(e => e[0]).ToList();
        foreach (var entry in quiet)
            entry[4] = 0;
        Emit([.. quiet.Select(e => new[] { e[3], e[3] + QuietMs, e[0], -1, e[2] })], output);
    }
}
