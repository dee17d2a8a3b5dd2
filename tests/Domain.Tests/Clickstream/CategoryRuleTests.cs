using Tidemark.Domain.Clickstream.Streams;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Clickstream;

public class CategoryRuleTests
{
    private const long Day = 86_400_000_000;
    private static readonly DateTime Origin = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static readonly RowSchema Schema = new(
    [
        new("event_id", FieldType.String, false), new("event_time", FieldType.Timestamp, false), new("user_id", FieldType.String, false), new("category", FieldType.String),
        new("revenue", FieldType.Decimal, true, 18, 4), new("country", FieldType.String),
    ]);

    private readonly StreamExecution _execution = new(new StreamDefinition(
        [new StreamInput("in", Schema, "event_time", TimeSpan.Zero)], [new KeyedStateStage("rule", "in", ["category"], StateTimeout.EventTime, new CategoryRule())], StreamMode.Append));

    [Theory]
    [InlineData(89, 1)]
    [InlineData(91, 0)]
    public void A_category_is_known_as_long_as_its_last_purchase_is_not_ninety_days_ago(int days, int alerts)
    {
        Send([.. Enumerable.Range(0, 60).Select(i => ("books", (long)i, 10m))]);
        Assert.Equal(0, _execution.TakeResults().Count);
        Send([("books", days * Day, 1_000m)]);
        Assert.Equal(alerts, _execution.TakeResults().Count);
    }

    [Fact]
    public void Categories_that_nobody_buys_from_any_more_take_no_state()
    {
        for (var day = 0; day < 200; day++)
            Send([.. Enumerable.Range(0, 10).Select(i => ($"made up {day} {i}", day * Day, 10m)), ("books", day * Day, 10m)]);
        Assert.InRange(_execution.StateRows("rule"), 90 * 10, 92 * 10 + 1);
    }

    private void Send((string Category, long Time, decimal Amount)[] purchases)
    {
        var rows = new RowsBuilder(Schema);
        foreach (var (category, time, amount) in purchases)
        {
            object?[] values = [$"e{time}", (Origin - DateTime.UnixEpoch).Ticks / 10 + time, "u", category, (long)(amount * 10_000), null];
            for (var i = 0; i < values.Length; i++)
                RowsBuilder.Append(rows.Columns[i], values[i]);
        }

        _execution.Add(new Dictionary<string, RowBatch> { ["in"] = rows.Build() }, 0);
    }
}
