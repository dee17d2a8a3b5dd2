using System.Globalization;
using System.Text;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Tests.Clickstream;

namespace Tidemark.Domain.Tests.Windows;

public class WindowStreamTests
{
    [Theory]
    [MemberData(nameof(Seeds), 70)]
    public void Any_batches_partitions_frontiers_and_merges_give_the_rows_of_a_naive_computation(int seed)
    {
        var run = new StreamRun(seed);
        var states = run.Fold(seed);
        foreach (var query in run.Queries)
            AssertRows(run, query, EmitInPieces(run, query, states, new Random(seed)), seed);
    }

    [Theory]
    [MemberData(nameof(Seeds), 40)]
    public void The_clickstream_queries_give_the_rows_of_a_naive_computation(int seed)
    {
        var run = new StreamRun(seed, ClickstreamQueries.All);
        var states = run.Fold(seed);
        foreach (var query in run.Queries)
            AssertRows(run, query, run.Pipeline.Emit(query.Name, states, null, long.MaxValue), seed);
    }

    [Theory]
    [MemberData(nameof(Seeds), 10)]
    public void The_query_that_the_docs_add_gives_the_rows_of_a_naive_computation(int seed)
    {
        var run = new StreamRun(seed, [DeviceOrdersExample.DeviceOrders]);
        AssertRows(run, run.Queries[0], run.Pipeline.Emit(run.Queries[0].Name, run.Fold(seed), null, long.MaxValue), seed);
    }

    [Theory]
    [MemberData(nameof(Seeds), 70)]
    public void Late_rows_are_exactly_the_events_that_missed_a_window(int seed)
    {
        var run = new StreamRun(seed);
        var actual = run.Late.SelectMany(late => Enumerable.Range(0, late.Count).Select(r => Line(late, r))).Order(StringComparer.Ordinal);
        var expected = run.Queries.SelectMany(q => NaiveWindows.Place(q, run.Events).Where(p => p.Closed.Count > 0).Select(p => LateLine(q, p))).Order(StringComparer.Ordinal);
        Assert.Equal(expected, actual);
    }

    [Theory]
    [MemberData(nameof(Seeds), 30)]
    public void Equal_states_are_equal_bytes_whatever_the_order_of_merges(int seed)
    {
        var run = new StreamRun(seed);
        var (one, other) = (run.Fold(1), run.Fold(2));
        Assert.Equal(one.Keys.Order(), other.Keys.Order());
        foreach (var (key, state) in one)
        {
            Assert.Equal(state.Save(), other[key].Save());
            Assert.Equal(state.Save(), run.Pipeline.Load(key, state.Save()).Save());
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 50)]
    public void Evicted_state_is_what_no_later_window_needs(int seed)
    {
        var run = new StreamRun(seed);
        var (whole, evicted) = (run.Fold(1), run.Fold(2));
        var random = new Random(seed);
        var positions = run.Queries.ToDictionary(q => q.Name, q => random.Next(5) == 0 ? (long?)null : AnyTime(run, random));
        foreach (var (key, state) in evicted.ToArray())
        {
            state.Evict(name => positions[name]);
            if (run.Pipeline.IsEvictable(key, name => positions[name]))
            {
                Assert.Single(state.Save());
                evicted.Remove(key);
            }
        }
        foreach (var query in run.Queries)
            Assert.Equal(Lines(run.Pipeline.Emit(query.Name, whole, positions[query.Name], long.MaxValue)),
                Lines(run.Pipeline.Emit(query.Name, evicted, positions[query.Name], long.MaxValue)));
    }

    [Theory]
    [MemberData(nameof(Seeds), 50)]
    public void An_entity_is_evictable_exactly_when_every_window_over_its_span_is_out(int seed)
    {
        var run = new StreamRun(seed);
        var random = new Random(seed);
        foreach (var key in run.Fold(1).Keys)
        {
            var positions = run.Queries.ToDictionary(q => q.Name, q => key.Start + random.Next(-100_000, 900_000));
            var expected = run.Queries.Where(q => SpecOf(run, q).Bundle == key.Bundle).All(query =>
                SlicesIn(run, query, key).SelectMany(slice => WindowsOver(query, slice)).All(end => end <= positions[query.Name]));
            Assert.Equal(expected, run.Pipeline.IsEvictable(key, name => positions[name]));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 50)]
    public void Touched_entities_bring_exactly_the_windows_over_their_slices(int seed)
    {
        var run = new StreamRun(seed);
        var states = run.Fold(1);
        var random = new Random(seed);
        var touched = states.Keys.Where(_ => random.Next(3) == 0).ToHashSet();
        foreach (var query in run.Queries)
        {
            var all = run.Pipeline.Emit(query.Name, states, null, long.MaxValue);
            var ends = touched.Where(t => t.Bundle == SpecOf(run, query).Bundle).SelectMany(t => SlicesIn(run, query, t)).SelectMany(s => WindowsOver(query, s)).ToHashSet();
            var expected = Enumerable.Range(0, all.Count).Where(r => ends.Contains(((Int64Column)all["window_end"]).Values[r] / 1000)).Select(r => Line(all, r));
            Assert.Equal(expected, Lines(run.Pipeline.Emit(query.Name, states, null, long.MaxValue, touched)));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 30)]
    public void Damaged_state_is_refused_or_read_but_never_crashes(int seed)
    {
        var run = new StreamRun(seed);
        var random = new Random(seed);
        foreach (var (key, partial) in run.Partials.Take(10))
            for (var i = 0; i < 20; i++)
            {
                var damaged = partial[..(random.Next(3) == 0 ? random.Next(partial.Length) : partial.Length)].ToArray();
                if (damaged.Length > 0)
                    damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                try
                {
                    var state = run.Pipeline.Load(key, damaged);
                    state.Save();
                }
                catch (InvalidDataException)
                {
                }
            }
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    private static RowBatch EmitInPieces(StreamRun run, QueryDefinition query, Dictionary<EntityKey, IFoldState> states, Random random)
    {
        var cuts = Enumerable.Range(0, random.Next(4)).Select(_ => AnyTime(run, random)).Append(long.MaxValue).Order().ToArray();
        var pieces = cuts.Select((cut, i) => run.Pipeline.Emit(query.Name, states, i == 0 ? null : cuts[i - 1], cut)).ToArray();
        return RowBatches.Concat(SpecOf(run, query).Schema, pieces);
    }

    private static void AssertRows(StreamRun run, QueryDefinition query, RowBatch actual, int seed)
    {
        var keyAt = query.Top is null ? 2 : 3;
        var types = SpecOf(run, query).Schema.Fields.Skip(keyAt).Take(query.Keys.Count).Select(f => f.Type).ToArray();
        var expected = NaiveWindows.Rows(query, NaiveWindows.Place(query, run.Events));
        expected.Sort((a, b) => a.End.CompareTo(b.End) is var c and not 0 ? c : CompareKeys(a.Key, b.Key, types));
        if (query.Top is { } top)
            expected = [.. expected.GroupBy(r => r.End).SelectMany(window => First(top, query, window))];
        Assert.True(expected.Count == actual.Count, $"seed {seed}, {query}: {expected.Count} rows expected, {actual.Count} found");
        for (var row = 0; row < actual.Count; row++)
        {
            var (start, end, key, values) = expected[row];
            var shown = $"seed {seed}, {query}, row {row}: {Line(actual, row)}";
            Assert.True(start * 1000 == ((Int64Column)actual["window_start"]).Values[row] && end * 1000 == ((Int64Column)actual["window_end"]).Values[row], shown);
            for (var i = 0; i < key.Length; i++)
                Assert.True(key[i] == actual.Text(row, keyAt + i), shown);
            for (var i = 0; i < values.Length; i++)
                Assert.True(Same(values[i], actual, row, keyAt + key.Length + i), $"{shown}: {query.Columns[i]} should be {values[i]}");
            if (query.Top is not null)
                Assert.True(1 + expected.Take(row).Count(r => r.End == end) == ((Int32Column)actual["rank"]).Values[row], shown);
        }
    }

    /// <summary>The first rows of a window by a column, null last; the order of the keys decides between equals.</summary>
    private static IEnumerable<(long Start, long End, string?[] Key, object?[] Values)> First(
        TopDefinition top, QueryDefinition query, IEnumerable<(long Start, long End, string?[] Key, object?[] Values)> rows)
    {
        var at = query.Columns.ToList().IndexOf(top.By);
        var numbers = rows.Select(row => (row, By: (at < 0 ? row.Key[query.Keys.ToList().IndexOf(top.By)] : row.Values[at]) switch
        {
            null => null,
            string text when at >= 0 || !top.By.StartsWith('q') && !top.By.EndsWith("date", StringComparison.Ordinal) => (object)Encoding.UTF8.GetBytes(text),
            string text => (double)NaiveWindows.Number(text),
            var number => Convert.ToDouble(number, CultureInfo.InvariantCulture),
        })).ToArray();
        var order = Comparer<object?>.Create((a, b) => a is null || b is null ? (a is null).CompareTo(b is null)
            : (a is byte[] text ? text.AsSpan().SequenceCompareTo((byte[])b) : ((double)a).CompareTo((double)b)) * (top.Descending ? -1 : 1));
        return numbers.OrderBy(r => r.By, order).Take(top.Count).Select(r => r.row);
    }

    internal static bool Same(object? expected, RowBatch rows, int row, int column)
    {
        if (rows.Text(row, column) is not { } text)
            return expected is null;
        if (expected is null)
            return false;
        if (rows.Schema.Fields[column].Type != FieldType.Double)
            return expected is string other ? text == other : NaiveWindows.Number(text) == (decimal)expected;
        var (a, b) = (Convert.ToDouble(expected, CultureInfo.InvariantCulture), ((DoubleColumn)rows.Columns[column]).Values[row]);
        return Math.Abs(a - b) <= 1e-11 * Math.Max(Math.Abs(a), Math.Abs(b));
    }

    private static int CompareKeys(string?[] a, string?[] b, FieldType[] types)
    {
        for (var i = 0; i < a.Length; i++)
        {
            var order = a[i] is null || b[i] is null ? (a[i] is null ? 0 : 1) - (b[i] is null ? 0 : 1)
                : types[i] == FieldType.String ? Encoding.UTF8.GetBytes(a[i]!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b[i]!))
                : NaiveWindows.Number(a[i]!).CompareTo(NaiveWindows.Number(b[i]!));
            if (order != 0)
                return order;
        }
        return 0;
    }

    private static string LateLine(QueryDefinition query, Placement late)
    {
        var start = late.Closed.Max();
        var end = start + (long)query.Window.Size.TotalMilliseconds;
        string?[] cells =
        [
            query.Name, Time(start), Time(end), late.Closed.Count.ToString(CultureInfo.InvariantCulture), late.Open.Count.ToString(CultureInfo.InvariantCulture),
            Time(late.Event.Frontier), (late.Event.Frontier - (long)query.ClosingDelay.TotalMilliseconds - end).ToString(CultureInfo.InvariantCulture),
            late.Event.Row["event_id"], late.Event.Row["event_type"], late.Event.Row["event_time"], late.Event.Row["user_id"], "shop",
            late.Event.Row["kafka_partition"], late.Event.Row["kafka_offset"],
        ];
        return string.Join('|', cells.Select(c => c ?? "NULL"));
    }

    private static string Time(long ms) => DateTime.UnixEpoch.AddMilliseconds(ms).ToString("yyyy-MM-ddTHH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static string[] Lines(RowBatch rows) => [.. Enumerable.Range(0, rows.Count).Select(r => Line(rows, r))];

    private static string Line(RowBatch rows, int row) => string.Join('|', Enumerable.Range(0, rows.Columns.Count).Select(c => rows.Text(row, c) ?? "NULL"));

    private static QuerySpec SpecOf(StreamRun run, QueryDefinition query) => run.Pipeline.Queries.Single(s => s.Name == query.Name);

    private static long AnyTime(StreamRun run, Random random) =>
        run.Events.Count == 0 ? 0 : run.Events[random.Next(run.Events.Count)].Micros / 1000 + random.Next(-100_000, 100_000);

    /// <summary>Starts of the query's slices that the entity holds.</summary>
    private static IEnumerable<long> SlicesIn(StreamRun run, QueryDefinition query, EntityKey entity)
    {
        var span = long.Parse(string.Concat(entity.Bundle.TakeWhile(char.IsAsciiDigit)), CultureInfo.InvariantCulture)
            * string.Concat(entity.Bundle.SkipWhile(char.IsAsciiDigit)) switch { "ms" => 1, "s" => 1000, "m" => 60_000, "h" => 3_600_000, _ => 86_400_000L };
        long slice = (long)query.Window.Slide.TotalMilliseconds, rest = (long)query.Window.Size.TotalMilliseconds;
        while (rest != 0)
            (slice, rest) = (rest, slice % rest);
        foreach (var part in query.Aggregates.Select(a => a.Part).OfType<WindowPart>())
            for (var cuts = new Queue<long>([(long)part.From.TotalMilliseconds, (long)part.To.TotalMilliseconds]); cuts.TryDequeue(out var cut);)
                while (cut != 0)
                    (slice, cut) = (cut, slice % cut);
        var offset = (long)query.Window.Offset.TotalMilliseconds;
        for (var at = entity.Start; at < entity.Start + span; at++)
            if ((at - offset) % slice == 0)
            {
                for (; at < entity.Start + span; at += slice)
                    yield return at;
                yield break;
            }
    }

    /// <summary>Ends of the windows that hold a time.</summary>
    private static IEnumerable<long> WindowsOver(QueryDefinition query, long time)
    {
        long size = (long)query.Window.Size.TotalMilliseconds, slide = (long)query.Window.Slide.TotalMilliseconds, offset = (long)query.Window.Offset.TotalMilliseconds;
        for (var k = (time - offset) / slide - size / slide - 2; offset + k * slide <= time; k++)
            if (time < offset + k * slide + size)
                yield return offset + k * slide + size;
    }
}
