namespace Tidemark.Domain.Columns;

/// <summary>
/// Collects the values of one column. <see cref="Build"/> hands out the builder's own arrays without a copy: the column is valid until the next
/// <see cref="Reset"/>, which keeps the memory for the next batch. Not thread-safe.
/// </summary>
public abstract class ColumnBuilder
{
    private protected NullBits Nulls;

    /// <summary>Rows so far.</summary>
    public int Count { get; private protected set; }

    /// <summary>A builder for a field's type; strings without a dictionary unless <paramref name="dictionary"/> is set.</summary>
    public static ColumnBuilder For(RowField field, bool dictionary = false) => field.Type switch
    {
        FieldType.String when dictionary => new DictionaryColumnBuilder(),
        FieldType.String => new Utf8ColumnBuilder(),
        FieldType.Binary => new BinaryColumnBuilder(),
        FieldType.Int32 or FieldType.Date => new Int32ColumnBuilder(),
        FieldType.Int64 or FieldType.Timestamp => new Int64ColumnBuilder(),
        FieldType.Decimal when field.Precision <= 18 => new Int64ColumnBuilder(),
        FieldType.Decimal => new Int128ColumnBuilder(),
        FieldType.Double => new DoubleColumnBuilder(),
        FieldType.Boolean => new BooleanColumnBuilder(),
        _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, $"Column '{field.Name}' has a type that no builder knows."),
    };

    /// <summary>Adds a row without value.</summary>
    public abstract void AppendNull();

    /// <summary>Adds the value of a row of another column of the same field, null included.</summary>
    public abstract void AppendFrom(Column source, int row);

    /// <summary>Adds the values of some rows of another column of the same field.</summary>
    public virtual void AppendRows(Column source, ReadOnlySpan<int> rows)
    {
        foreach (var row in rows)
            AppendFrom(source, row);
    }

    /// <summary>Makes room for so many rows in all.</summary>
    public virtual void Expect(int rows)
    {
    }

    /// <summary>The rows so far as a column.</summary>
    public abstract Column Build();

    /// <summary>Forgets the rows, keeps the memory.</summary>
    public virtual void Reset()
    {
        Count = 0;
        Nulls.Clear();
    }
}

/// <summary>A builder of columns with one fixed-size value a row.</summary>
public abstract class ColumnBuilder<T> : ColumnBuilder where T : struct
{
    private protected T[] Values = new T[64];

    /// <inheritdoc/>
    public override void Expect(int rows)
    {
        if (rows > Values.Length)
            Array.Resize(ref Values, rows);
    }

    /// <summary>Adds a value.</summary>
    public void Append(T value)
    {
        if (Count == Values.Length)
            Array.Resize(ref Values, Count * 2);
        Values[Count++] = value;
    }

    /// <summary>Adds the same value so many times.</summary>
    public void AppendMany(T value, int times)
    {
        if (Count + times > Values.Length)
            Array.Resize(ref Values, Math.Max(Count + times, Values.Length * 2));
        Values.AsSpan(Count, times).Fill(value);
        Count += times;
    }

    /// <inheritdoc/>
    public override void AppendNull()
    {
        Nulls.Set(Count);
        Append(default);
    }

    private protected void AppendRows(Column source, T[] values, ReadOnlySpan<int> rows)
    {
        if (Count + rows.Length > Values.Length)
            Array.Resize(ref Values, Math.Max(Count + rows.Length, Values.Length * 2));
        var to = Values.AsSpan(Count, rows.Length);
        for (var i = 0; i < rows.Length; i++)
            to[i] = values[rows[i]];
        if (source.Nulls is not null)
            for (var i = 0; i < rows.Length; i++)
                if (source.IsNull(rows[i]))
                    Nulls.Set(Count + i);
        Count += rows.Length;
    }

    private protected void AppendFrom(Column source, T[] values, int row)
    {
        if (source.IsNull(row))
            AppendNull();
        else
            Append(values[row]);
    }
}

/// <summary>Builds <see cref="Int32Column"/>.</summary>
public sealed class Int32ColumnBuilder : ColumnBuilder<int>
{
    /// <inheritdoc/>
    public override void AppendFrom(Column source, int row) => AppendFrom(source, ((Int32Column)source).Values, row);

    /// <inheritdoc/>
    public override void AppendRows(Column source, ReadOnlySpan<int> rows) => AppendRows(source, ((Int32Column)source).Values, rows);

    /// <inheritdoc/>
    public override Column Build() => new Int32Column(Values, Count, Nulls.For(Count));
}

/// <summary>Builds <see cref="Int64Column"/>.</summary>
public sealed class Int64ColumnBuilder : ColumnBuilder<long>
{
    /// <inheritdoc/>
    public override void AppendFrom(Column source, int row) => AppendFrom(source, ((Int64Column)source).Values, row);

    /// <inheritdoc/>
    public override void AppendRows(Column source, ReadOnlySpan<int> rows) => AppendRows(source, ((Int64Column)source).Values, rows);

    /// <inheritdoc/>
    public override Column Build() => new Int64Column(Values, Count, Nulls.For(Count));
}

/// <summary>Builds <see cref="Int128Column"/>.</summary>
public sealed class Int128ColumnBuilder : ColumnBuilder<Int128>
{
    /// <inheritdoc/>
    public override void AppendFrom(Column source, int row) => AppendFrom(source, ((Int128Column)source).Values, row);

    /// <inheritdoc/>
    public override void AppendRows(Column source, ReadOnlySpan<int> rows) => AppendRows(source, ((Int128Column)source).Values, rows);

    /// <inheritdoc/>
    public override Column Build() => new Int128Column(Values, Count, Nulls.For(Count));
}

/// <summary>Builds <see cref="DoubleColumn"/>.</summary>
public sealed class DoubleColumnBuilder : ColumnBuilder<double>
{
    /// <inheritdoc/>
    public override void AppendFrom(Column source, int row) => AppendFrom(source, ((DoubleColumn)source).Values, row);

    /// <inheritdoc/>
    public override void AppendRows(Column source, ReadOnlySpan<int> rows) => AppendRows(source, ((DoubleColumn)source).Values, rows);

    /// <inheritdoc/>
    public override Column Build() => new DoubleColumn(Values, Count, Nulls.For(Count));
}

/// <summary>Builds <see cref="BooleanColumn"/>.</summary>
public sealed class BooleanColumnBuilder : ColumnBuilder<bool>
{
    /// <inheritdoc/>
    public override void AppendFrom(Column source, int row) => AppendFrom(source, ((BooleanColumn)source).Values, row);

    /// <inheritdoc/>
    public override void AppendRows(Column source, ReadOnlySpan<int> rows) => AppendRows(source, ((BooleanColumn)source).Values, rows);

    /// <inheritdoc/>
    public override Column Build() => new BooleanColumn(Values, Count, Nulls.For(Count));
}
