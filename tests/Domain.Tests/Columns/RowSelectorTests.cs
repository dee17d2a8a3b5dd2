using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Tests.Columns;

public class RowSelectorTests
{
    [Fact]
    public void Taken_rows_have_the_values_of_their_rows_whatever_was_taken_before()
    {
        var random = new Random(7);
        var selector = new RowSelector();
        RowField[] fields =
        [
            new("text", FieldType.String), new("word", FieldType.String), new("bytes", FieldType.Binary), new("int", FieldType.Int32), new("long", FieldType.Int64),
            new("money", FieldType.Decimal, true, 18, 4), new("wide", FieldType.Decimal, true, 38, 4), new("double", FieldType.Double), new("flag", FieldType.Boolean),
        ];
        for (var round = 0; round < 60; round++)
        {
            var rows = Rows(new RowSchema(fields), random.Next(200), random);
            var which = Enumerable.Range(0, rows.Count).Where(_ => random.Next(round % 5 + 1) == 0).ToArray();
            var taken = selector.Take(rows, which);
            Assert.Equal(which.Length, taken.Count);
            for (var i = 0; i < which.Length; i++)
                for (var column = 0; column < fields.Length; column++)
                    Assert.Equal(rows.Text(which[i], column), taken.Text(i, column));
        }
    }

    private static RowBatch Rows(RowSchema schema, int count, Random random)
    {
        var builders = schema.Fields.Select(f => ColumnBuilder.For(f, f.Name == "word")).ToArray();
        for (var row = 0; row < count; row++)
            foreach (var builder in builders)
            {
                var text = System.Text.Encoding.UTF8.GetBytes(new string('x', random.Next(9)) + random.Next(5));
                if (random.Next(6) == 0)
                    builder.AppendNull();
                else
                    Append(builder, random, text);
            }
        return new RowBatch(schema, [.. builders.Select(b => b.Build())], count);
    }

    private static void Append(ColumnBuilder builder, Random random, byte[] text)
    {
        switch (builder)
        {
            case DictionaryColumnBuilder b: b.Append(text); break;
            case BinaryColumnBuilder b: b.Append(text); break;
            case Int32ColumnBuilder b: b.Append(random.Next()); break;
            case Int64ColumnBuilder b: b.Append(random.NextInt64(1L << 50)); break;
            case Int128ColumnBuilder b: b.Append(random.NextInt64()); break;
            case DoubleColumnBuilder b: b.Append(random.NextDouble()); break;
            case BooleanColumnBuilder b: b.Append(random.Next(2) == 0); break;
        }
    }
}
