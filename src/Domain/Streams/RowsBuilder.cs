using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Streams;

/// <summary>Collects rows of a schema, value by value.</summary>
internal sealed class RowsBuilder
{
    private readonly RowSchema schema;

    /// <summary>A builder with room for so many rows.</summary>
    public RowsBuilder(RowSchema schema, int rows = 0)
    {
        this.schema = schema;
        Columns = [.. schema.Fields.Select(f => ColumnBuilder.For(f))];
        foreach (var column in Columns)
            column.Expect(rows);
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

    /// <summary>Forgets the rows, keeps the memory; batches built before are not valid any more.</summary>
    public void Reset()
    {
        foreach (var column in Columns)
            column.Reset();
    }

    /// <summary>A row from one value a column: string (or its UTF-8 bytes), long, int, bool, double or null; times and decimals unscaled.</summary>
    public void Add(params ReadOnlySpan<object?> values)
    {
        if (values.Length != Columns.Length)
            throw new ArgumentException($"{values.Length} values do not fit {Columns.Length} columns.");
        for (var i = 0; i < values.Length; i++)
            Append(Columns[i], values[i]);
    }

    /// <summary>A value of one column.</summary>
    public static void Append(ColumnBuilder to, object? value)
    {
        switch (to, value)
        {
            case (_, null): to.AppendNull(); break;
            case (BinaryColumnBuilder text, string s): text.Append(Encoding.UTF8.GetBytes(s)); break;
            case (BinaryColumnBuilder text, byte[] bytes): text.Append(bytes); break;
            case (Int32ColumnBuilder narrow, int i): narrow.Append(i); break;
            case (Int64ColumnBuilder wide, long l): wide.Append(l); break;
            case (Int64ColumnBuilder wide, int i): wide.Append(i); break;
            case (Int128ColumnBuilder wide, Int128 n): wide.Append(n); break;
            case (BooleanColumnBuilder truth, bool b): truth.Append(b); break;
            case (DoubleColumnBuilder real, double d): real.Append(d); break;
            default: throw new ArgumentException($"A {value.GetType().Name} does not fit a {to.GetType().Name}.");
        }
    }

    public RowBatch Build() => new(schema, [.. Columns.Select(c => c.Build())], Count);
}
