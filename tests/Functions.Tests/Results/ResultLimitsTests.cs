using System.Text;
using System.Text.Json;
using global::Azure.Data.Tables;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Sensors;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Tests.Results;

/// <summary>Table storage takes keys of 512 characters and transactions of 100 rows and 4 MB; Azurite does not mind more.</summary>
public sealed class ResultLimitsTests
{
    public static TheoryData<string> Outputs => [.. All().Select(output => output.Name)];

    [Theory]
    [MemberData(nameof(Outputs))]
    public void However_long_its_keys_are_a_row_has_a_key_of_its_own_that_Table_storage_takes(string name)
    {
        var output = All().Single(o => o.Name == name);
        var endings = new[] { "a", "b" };
        foreach (var start in new[] { new string('x', 300), new string('x', 5_000), new string('\u00fc', 5_000), new string('\u65e5', 5_000) })
        {
            var keys = endings.Select(end => ResultKeys.Row(output, Row(output.Schema, start + end), 0)).ToList();
            Assert.All(keys, key => Assert.True(key.Length <= 512, $"{key.Length} characters."));
            if (output.Keys.Any(key => output.Schema.Fields[output.Schema.IndexOf(key)].Type == FieldType.String) && output is not QuerySpec { Top: not null })
                Assert.NotEqual(keys[0], keys[1]);
        }
    }

    [Fact]
    public void Changes_are_cut_into_transactions_that_are_small_enough_and_stay_in_order()
    {
        var random = new Random(7);
        string[] letters = ["a", "\"", "\u65e5", "\U0001f600", "\u0001"];
        var changes = Enumerable.Range(0, 400).Select(i => new TableTransactionAction(TableTransactionActionType.Add, new TableEntity("p", $"{i}")
        {
            ["text"] = string.Concat(Enumerable.Repeat(letters[random.Next(letters.Length)], i < 150 ? 3 : random.Next(16_000))), ["number"] = random.NextInt64(), ["raw"] = new byte[i % 50 * 100],
        })).ToList();
        var parts = Transactions.Cut(changes).ToList();
        Assert.Equal(changes, parts.SelectMany(part => part));
        Assert.Equal(Transactions.MostRows, parts.Max(part => part.Count));
        Assert.All(parts, part => Assert.True(JsonSerializer.SerializeToUtf8Bytes(part.Select(a => (IDictionary<string, object>)(TableEntity)a.Entity)).Length < 4_000_000));
        Assert.True(parts.Count < 400 / 10);
    }

    private static IEnumerable<IOutput> All() => new IPipeline[] { ClickstreamPipeline.Create(new EventOptions("events")), SensorPipeline.Create(new EventOptions("sensors")) }
        .SelectMany(pipeline => pipeline.Queries.Concat<IOutput>(pipeline.Streams));

    private static RowBatch Row(RowSchema schema, string text) => new(schema, [.. schema.Fields.Select(field => Value(field, Encoding.UTF8.GetBytes(text)))], 1);

    private static Column Value(RowField field, byte[] text) => field switch
    {
        { Type: FieldType.String } => new Utf8Column(text, [0, text.Length], 1),
        { Type: FieldType.Binary } => new BinaryColumn(text, [0, text.Length], 1),
        { Type: FieldType.Int32 or FieldType.Date } => new Int32Column([int.MaxValue / 1000], 1),
        { Type: FieldType.Double } => new DoubleColumn([double.MaxValue], 1),
        { Type: FieldType.Boolean } => new BooleanColumn([true], 1),
        { Type: FieldType.Decimal, Precision: > 18 } => new Int128Column([Int128.MaxValue], 1),
        _ => new Int64Column([long.MaxValue / 1_000_000], 1),
    };
}
