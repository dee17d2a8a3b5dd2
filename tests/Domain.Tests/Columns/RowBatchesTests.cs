using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Tests.Columns;

public class RowBatchesTests
{
    private static readonly RowSchema Before = new([new("id", FieldType.Int64, false), new("name", FieldType.String)]);

    [Fact]
    public void Rows_made_before_a_column_was_added_have_null_there_and_lose_nothing()
    {
        var rows = new RowBatch(Before, [new Int64Column([7, 8], 2), new Utf8Column([65], [0, 1, 1], 2, [2])], 2);
        var grown = RowBatches.Grown(rows, new RowSchema([.. Before.Fields, new("day", FieldType.Date), new("brand", FieldType.String)]));
        Assert.Equal(new object?[] { 7L, "A", null, null, 8L, null, null, null }, Enumerable.Range(0, 2).SelectMany(row => Enumerable.Range(0, 4).Select(column => grown.Value(row, column))));
        Assert.Same(rows, RowBatches.Grown(rows, Before with { Fields = [.. Before.Fields] }));
    }

    [Fact]
    public void A_change_that_would_lose_values_is_refused()
    {
        var rows = RowBatches.Empty(Before);
        string Refused(params RowField[] fields) => Assert.Throws<InvalidDataException>(() => RowBatches.Grown(rows, new RowSchema(fields))).Message;
        Assert.Contains("have a column 'name'", Refused(Before.Fields[0]));
        Assert.Contains("'day' must not be null", Refused([.. Before.Fields, new("day", FieldType.Date, false)]));
        Assert.Contains("'name' is Double now", Refused(Before.Fields[0], new("name", FieldType.Double)));
    }
}
