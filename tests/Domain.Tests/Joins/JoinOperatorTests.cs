using Tidemark.Domain.Columns;
using Tidemark.Domain.Joins;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Tests.Streams;

namespace Tidemark.Domain.Tests.Joins;

public class JoinOperatorTests
{
    private static readonly RowSchema Left = RandomRows.SchemaOf("l_"), Right = RandomRows.SchemaOf("r_");

    private sealed record Case(JoinType Type, long Below, long Above, bool OpenBelow, bool OpenAbove, bool Window, bool NullSafe, long LeftDelay, long RightDelay, bool LeftFilter, bool RightFilter, bool Compare);

    [Theory]
    [MemberData(nameof(Seeds), 200)]
    public void Pairs_and_rows_left_alone_are_those_of_a_naive_join_of_the_rows_that_were_not_late(int seed)
    {
        var random = new Random(seed);
        var test = new Case((JoinType)random.Next(4), random.Next(-2, 8) * 1_000_000L, random.Next(-1, 8) * 1_000_000L, random.Next(2) == 0, random.Next(2) == 0, random.Next(3) == 0,
            random.Next(3) == 0, random.Next(0, 10) * 1_000_000L, random.Next(0, 10) * 1_000_000L, random.Next(3) == 0, random.Next(3) == 0, random.Next(4) == 0);
        var stream = new StreamDefinition([new StreamInput("left", Left, "l_time", TimeSpan.FromTicks(test.LeftDelay * 10)), new StreamInput("right", Right, "r_time", TimeSpan.FromTicks(test.RightDelay * 10))],
            [Stage(test)], StreamMode.Append);
        var execution = new StreamExecution(stream);
        var (accepted, marks, actual) = ((Left: new List<NaiveRow>(), Right: new List<NaiveRow>()), (Left: long.MinValue, Right: long.MinValue), new List<string>());
        var mark = long.MinValue;
        long late = 0, counted = 0;
        var rights = RandomRows.Cut(random, RandomRows.Make(random, random.Next(1, Most(seed)), 4));
        foreach (var lefts in RandomRows.Cut(random, RandomRows.Make(random, random.Next(1, Most(seed)), 4)))
        {
            var right = rights.Count > 0 ? rights[0] : [];
            if (rights.Count > 0)
                rights.RemoveAt(0);
            accepted.Left.AddRange(lefts.Where(r => !IsLate(test, r, mark)));
            accepted.Right.AddRange(right.Where(r => !IsLate(test, r, mark)));
            late += lefts.Concat(right).Count(r => IsLate(test, r, mark));
            execution.Add(new Dictionary<string, RowBatch> { ["left"] = RandomRows.Batch(lefts, Left), ["right"] = RandomRows.Batch(right, Right) }, 0);
            marks = (Math.Max(marks.Left, lefts.Max(r => r.Time) - test.LeftDelay ?? long.MinValue), Math.Max(marks.Right, right.Max(r => r.Time) - test.RightDelay ?? long.MinValue));
            mark = Math.Max(mark, Math.Min(marks.Left, marks.Right));
            counted += execution.TakeCounts("j").DroppedLate;
            actual.AddRange(RandomRows.Lines(execution.TakeResults()));
            if (random.Next(4) == 0)
                (execution, marks) = (StreamExecution.Load(stream, execution.Save()), (long.MinValue, long.MinValue));
        }
        execution.End();
        actual.AddRange(RandomRows.Lines(execution.TakeResults()));
        Assert.Equal(Naive(test, accepted.Left, accepted.Right).Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
        Assert.Equal(late, counted);
        Assert.Equal(0, execution.StateRows("j"));
    }

    [Theory]
    [MemberData(nameof(Seeds), 30)]
    public void Rows_left_alone_come_out_in_the_same_order_whether_time_moves_in_one_step_or_in_several(int seed)
    {
        var random = new Random(seed);
        var test = new Case(JoinType.FullOuter, random.Next(0, 8) * 1_000_000L, random.Next(0, 8) * 1_000_000L, false, false, seed % 3 == 0, false, 0, 0, false, false, false);
        var stage = Stage(test);
        var (lefts, rights) = (RandomRows.Make(random, 200, 40), RandomRows.Make(random, 200, 40));
        var times = lefts.Concat(rights).Select(row => row.Time).OfType<long>().ToList();
        var end = times.Max() + 60_000_000;
        List<string> Lines(int steps)
        {
            var join = new JoinOperator(stage, Left, Right, "l_time", "r_time", true, true);
            var rows = new List<RowBatch>();
            join.Add(0, RandomRows.Batch(lefts, Left), rows.Add);
            join.Add(1, RandomRows.Batch(rights, Right), rows.Add);
            for (var step = 1; step <= steps; step++)
                join.Advance(times.Min() + (end - times.Min()) / steps * step, 0, rows.Add);
            join.Advance(end, 0, rows.Add);
            Assert.Equal(0, join.StateRows);
            return [.. rows.SelectMany(RandomRows.Lines)];
        }

        var once = Lines(0);
        Assert.Equal(once, Lines(7));
        Assert.Equal(once, Lines(100));
        Assert.Contains(once, line => line.StartsWith("NULL|NULL|NULL|NULL", StringComparison.Ordinal));
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    // A few runs are long enough for blocks of rows to go and for sides to be packed.
    private static int Most(int seed) => seed % 20 == 0 ? 1200 : 90;

    private static JoinStage Stage(Case test) => new("j", test.Type, "left", "right")
    {
        Equal = test.NullSafe ? [] : [("l_key", "r_key")],
        NullSafeEqual = test.NullSafe ? [("l_key", "r_key")] : [],
        Window = test.Window ? new SameWindow("l_time", "r_time", TimeSpan.FromSeconds(5)) : null,
        TimeBounds = test.Window ? [] :
        [
            // right - below <= left <= right + above, one of them written from the other side
            new JoinBound("l_time", test.OpenBelow ? Comparison.Greater : Comparison.GreaterOrEqual, "r_time", -test.Below),
            new JoinBound("r_time", test.OpenAbove ? Comparison.Greater : Comparison.GreaterOrEqual, "l_time", -test.Above),
        ],
        Conditions = test.Compare ? [new JoinBound("l_value", Comparison.Less, "r_value")] : [],
        LeftFilter = test.LeftFilter ? Field.Named("l_value").Above(20) : Filter.All,
        RightFilter = test.RightFilter ? Field.Named("r_value").Below(60) : Filter.All,
    };

    private static bool IsLate(Case test, NaiveRow row, long mark) => test.Window ? row.Time / 5_000_000 * 5_000_000 + 5_000_000 <= mark : row.Time <= mark;

    private static bool Fits(Case test, NaiveRow left, NaiveRow right)
    {
        if (left.Key != right.Key || left.Key is null && !test.NullSafe || test.LeftFilter && !(left.Value > 20) || test.RightFilter && !(right.Value < 60)
            || test.Compare && !(left.Value < right.Value) || left.Time is null || right.Time is null)
            return false;
        return test.Window
            ? left.Time / 5_000_000 == right.Time / 5_000_000
            : (test.OpenBelow ? left.Time > right.Time - test.Below : left.Time >= right.Time - test.Below)
                && (test.OpenAbove ? right.Time > left.Time - test.Above : right.Time >= left.Time - test.Above);
    }

    private static IEnumerable<string> Naive(Case test, List<NaiveRow> lefts, List<NaiveRow> rights)
    {
        foreach (var left in lefts)
            foreach (var right in rights.Where(r => Fits(test, left, r)))
                yield return Line(test, left, right);
        if (test.Type is JoinType.LeftOuter or JoinType.FullOuter)
            foreach (var left in lefts.Where(l => !rights.Any(r => Fits(test, l, r))))
                yield return Line(test, left, null);
        if (test.Type is JoinType.RightOuter or JoinType.FullOuter)
            foreach (var right in rights.Where(r => !lefts.Any(l => Fits(test, l, r))))
                yield return Line(test, null, right);
    }

    private static string Line(Case test, NaiveRow? left, NaiveRow? right)
    {
        string Side(NaiveRow? row) => row is null ? "NULL|NULL|NULL|NULL" : RandomRows.Lines(RandomRows.Batch([row], Left)).Single();
        var line = $"{Side(left)}|{Side(right)}";
        if (test.Window)
        {
            line += (left ?? right)!.Time / 5_000_000 * 5_000_000 + 5_000_000 is { } end
                ? $"|{RandomRows.Time(end - 5_000_000)}|{RandomRows.Time(end)}|{RandomRows.Time(end - 1)}"
                : "|NULL|NULL|NULL";
        }
        return $"{line}|{(left ?? right)!.Key ?? "NULL"}";
    }
}
