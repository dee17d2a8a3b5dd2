using Tidemark.Domain.Columns;
using Tidemark.Functions.Lake;
using D = Tidemark.Delta;

namespace Tidemark.Functions.Tests.Lake;

public sealed class DeltaColumnsTests
{
    [Fact]
    public void Codes_of_null_rows_are_within_the_dictionary_whatever_the_file_left_there()
    {
        var schema = new RowSchema([new("product", FieldType.String)]);
        var column = new D.DictionaryColumn([1, int.MaxValue, 0, -7], "ab"u8.ToArray(), [0, 1, 2], 4, [0b1010]);
        var rows = DeltaColumns.FromDelta(new D.RecordBatch(DeltaColumns.ToDelta(schema), [column], 4), schema);
        var read = Assert.IsType<DictionaryColumn>(rows.Columns[0]);
        Assert.Equal([1, 0, 0, 0], read.Codes);
        Assert.Equal([false, true, false, true], Enumerable.Range(0, 4).Select(read.IsNull));
    }
}
