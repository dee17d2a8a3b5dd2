using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Enrichment;

/// <summary>
/// What reference data says of the events of a batch, as columns. Every distinct key of the batch is looked up once; rows then only map codes. Memory
/// is kept from batch to batch; what a call returns is valid until the next one. Not thread-safe.
/// </summary>
internal sealed class ReferenceColumns(ReferenceSchema schema)
{
    private readonly Texts[] texts = [.. schema.Columns.Select(_ => new Texts())];
    private readonly ColumnBuilder[] numbers = [.. schema.Columns.Select(column => ColumnBuilder.For(Field(schema, column)))];
    private readonly Texts slugs = new();
    private readonly DictionaryColumnBuilder version = new();
    private int[] rowOf = [];
    private int[] rows = [];

    /// <summary>The columns of <see cref="Build"/>, in order.</summary>
    public static IReadOnlyList<RowField> Fields(ReferenceSchema schema) =>
    [
        .. schema.Columns.Select(column => Field(schema, column)),
        new(schema.Prefix + "version", FieldType.String),
        .. schema.SlugOf is { } label ? [new RowField(label + "_slug", FieldType.String, false)] : Array.Empty<RowField>(),
    ];

    /// <summary>Rows whose key is in the table, ascending; of the batch last given to <see cref="LookUp"/>.</summary>
    public ReadOnlySpan<int> Matched => rows.AsSpan(0, MatchedCount);

    /// <summary>Number of <see cref="Matched"/>.</summary>
    public int MatchedCount { get; private set; }

    /// <summary>Finds the row of every key.</summary>
    public void LookUp(DictionaryColumn keys, ReferenceTable? table)
    {
        Grow(ref rowOf, keys.Dictionary.Count);
        Grow(ref rows, keys.Count);
        for (var code = 0; code < keys.Dictionary.Count; code++)
            rowOf[code] = table?.Find(keys.Dictionary[code]) ?? -1;
        MatchedCount = 0;
        for (var row = 0; row < keys.Count; row++)
            if (!keys.IsNull(row) && rowOf[keys.Codes[row]] >= 0)
                rows[MatchedCount++] = row;
    }

    /// <summary>The columns for rows of the keys last looked up.</summary>
    public Column[] Build(DictionaryColumn keys, ReferenceTable? table)
    {
        var columns = new List<Column>(schema.Columns.Count + 2);
        for (var i = 0; i < schema.Columns.Count; i++)
            columns.Add(schema.Columns[i].IsText ? TextsOf(keys, table, i) : NumbersOf(keys, table, i));
        version.Reset();
        if (table is not null)
            version.AppendMany(Encoding.UTF8.GetBytes(table.Version), keys.Count);
        else
            for (var row = 0; row < keys.Count; row++)
                version.AppendNull();
        columns.Add(version.Build());
        if (schema.SlugOf is not null)
        {
            slugs.Begin(keys.Dictionary.Count);
            for (var code = 0; code < keys.Dictionary.Count; code++)
                if (rowOf[code] >= 0)
                    slugs.Set(code, Encoding.UTF8.GetBytes(table!.Slug(rowOf[code])));
            columns.Add(slugs.Of(keys, ReferenceTable.NoSlug));
        }
        return [.. columns];
    }

    private DictionaryColumn TextsOf(DictionaryColumn keys, ReferenceTable? table, int column)
    {
        texts[column].Begin(keys.Dictionary.Count);
        for (var code = 0; code < keys.Dictionary.Count; code++)
            if (rowOf[code] >= 0)
                texts[column].Set(code, table!.Text(rowOf[code], column));
        return texts[column].Of(keys);
    }

    private Column NumbersOf(DictionaryColumn keys, ReferenceTable? table, int column)
    {
        var builder = numbers[column];
        builder.Reset();
        for (var row = 0; row < keys.Count; row++)
            if (keys.IsNull(row) || rowOf[keys.Codes[row]] < 0 || table!.Number(rowOf[keys.Codes[row]], column) is not { } number)
                builder.AppendNull();
            else if (builder is Int32ColumnBuilder days)
                days.Append((int)number);
            else
                ((Int64ColumnBuilder)builder).Append(number);
        return builder.Build();
    }

    private static RowField Field(ReferenceSchema schema, ReferenceColumn column) => column.Type switch
    {
        ReferenceType.Price => new(schema.Prefix + column.Name, FieldType.Decimal, true, 18, 4),
        ReferenceType.Date => new(schema.Prefix + column.Name, FieldType.Date),
        _ => new(schema.Prefix + column.Name, FieldType.String),
    };

    private static void Grow(ref int[] array, int length)
    {
        if (array.Length < length)
            array = new int[Math.Max(length, array.Length * 2)];
    }

    /// <summary>One text per key of a batch.</summary>
    private sealed class Texts
    {
        private readonly StringTable distinct = new();
        private readonly Utf8ColumnBuilder dictionary = new();
        private readonly DictionaryCodes codes = new();
        private int[] textOf = [];

        public void Begin(int keys)
        {
            distinct.Clear();
            dictionary.Reset();
            Grow(ref textOf, keys);
            textOf.AsSpan(0, keys).Fill(-1);
        }

        /// <summary>The text of a key; an empty one is none.</summary>
        public void Set(int key, ReadOnlySpan<byte> text)
        {
            if (text.Length > 0)
                textOf[key] = Intern(text);
        }

        /// <summary>The text of each row's key; where there is none <paramref name="otherwise"/>, or null.</summary>
        public DictionaryColumn Of(DictionaryColumn keys, string? otherwise = null)
        {
            var none = otherwise is null ? -1 : Intern(Encoding.UTF8.GetBytes(otherwise));
            codes.Begin(keys.Count);
            for (var row = 0; row < keys.Count; row++)
            {
                var text = keys.IsNull(row) ? -1 : textOf[keys.Codes[row]];
                codes.Append(text >= 0 ? text : none);
            }
            return codes.Build(dictionary.BuildUtf8());
        }

        private int Intern(ReadOnlySpan<byte> text)
        {
            var number = distinct.Intern(text, Hash64.Of(text), out var isNew);
            if (isNew)
                dictionary.Append(text);
            return number;
        }
    }

    /// <summary>Codes of rows, −1 for null.</summary>
    private sealed class DictionaryCodes
    {
        private int[] codes = [];
        private NullBits nulls;
        private int count;

        public void Begin(int rows)
        {
            Grow(ref codes, rows);
            nulls.Clear();
            count = 0;
        }

        public void Append(int code)
        {
            if (code < 0)
                nulls.Set(count);
            codes[count++] = Math.Max(code, 0);
        }

        public DictionaryColumn Build(Utf8Column dictionary) => new(codes, dictionary, count, nulls.For(count));
    }
}
