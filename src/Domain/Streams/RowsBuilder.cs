using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Streams;

/// <summary>Collects rows of a schema, value by value.</summary>
internal sealed class RowsBuilder
{
    private readonly RowSchema schema;

    public RowsBuilder(RowSchema schema)
    {
        this.schema = schema;
        Columns = [.. schema.Fields.Select(f => ColumnBuilder.For(f))];
    }

    public ColumnBuilder[] Columns { get; }

    public int Count => Columns.Length == 0 ? 0 : Columns[0].Count;

    public void Time(int column, long micros) => ((Int64ColumnBuilder)Columns[column]).Append(micros);

    /// <summary>All columns of a row, to the columns from <paramref name="first"/> on.</summary>
    public void Copy(int first, RowBatch rows, int row)
    {
        for (var i = 0; i < rows.Columns.Count; i++)
            Columns[first + i].AppendFrom(rows.Columns[i], row);
    }

    /// <summary>So many nulls, from a column on.</summary>
    public void Nulls(int first, int count)
    {
        for (var i = 0; i < count; i++)
            Columns[first + i].AppendNull();
    }

    public RowBatch Build() => new(schema, [.. Columns.Select(c => c.Build())], Count);
}
