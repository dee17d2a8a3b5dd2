namespace Tidemark.Domain.Columns;

/// <summary>Rows of one table in columns: what ingest writes into a segment and what goes to Delta and Table storage. Immutable by convention.</summary>
public sealed class RowBatch
{
    /// <summary>Pairs a schema with its columns; throws <see cref="ArgumentException"/> when their numbers or lengths differ.</summary>
    public RowBatch(RowSchema schema, IReadOnlyList<Column> columns, int count)
    {
        if (schema.Fields.Count != columns.Count)
            throw new ArgumentException($"{columns.Count} columns do not fit a schema of {schema.Fields.Count} fields.", nameof(columns));
        for (var i = 0; i < columns.Count; i++)
            if (columns[i].Count != count)
                throw new ArgumentException($"Column '{schema.Fields[i].Name}' has {columns[i].Count} rows, the batch {count}.", nameof(columns));
        (Schema, Columns, Count) = (schema, columns, count);
    }

    /// <summary>Names and types.</summary>
    public RowSchema Schema { get; }

    /// <summary>One column a field.</summary>
    public IReadOnlyList<Column> Columns { get; }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>The column of that name.</summary>
    public Column this[string name] => Columns[Schema.IndexOf(name)];
}
