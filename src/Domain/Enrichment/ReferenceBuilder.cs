using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Enrichment;

/// <summary>Collects the rows of a <see cref="ReferenceTable"/>. Of several with one key the last counts. Not thread-safe.</summary>
public sealed class ReferenceBuilder(ReferenceSchema schema)
{
    private const decimal PriceLimit = 100_000_000_000_000m;
    private readonly Dictionary<string, Row> rows = new(StringComparer.Ordinal);
    private RepeatedKeys repeated;

    /// <summary>What its rows have.</summary>
    public ReferenceSchema Schema => schema;

    /// <summary>Adds a row, or says why it is none, as what follows its name: <c>has no product_id</c>. Null and empty are the same.</summary>
    /// <param name="key">As events name it.</param>
    /// <param name="values">One for each column of the schema.</param>
    public string? TryAdd(string? key, IReadOnlyList<string?> values)
    {
        var count = rows.Count;
        if (TryPut(key, values) is { } fault)
            return fault;
        if (rows.Count == count)
            repeated = new RepeatedKeys(repeated.Rows + 1, repeated.First ?? key);
        return null;
    }

    /// <summary>As <see cref="TryAdd"/>, for a row that may well take the place of another.</summary>
    public string? TryPut(string? key, IReadOnlyList<string?> values)
    {
        if (string.IsNullOrEmpty(key))
            return $"has no {schema.Key}";
        var (texts, numbers) = (new string[values.Count], Array.Empty<long>());
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = "";
            if (schema.Columns[i].IsText)
                texts[i] = values[i] ?? "";
            else if (numbers.Length == 0)
                Array.Fill(numbers = new long[values.Count], ReferenceValues.NoNumber);
            if (!schema.Columns[i].IsText && values[i] is { Length: > 0 } text && Fault(schema.Columns[i], text, out numbers[i]) is { } fault)
                return fault;
        }
        rows[key] = new Row(texts, numbers);
        return null;
    }

    /// <summary>Takes a row out, if there is one.</summary>
    public void Remove(string key) => rows.Remove(key);

    /// <summary>The table; more rows may follow for the next.</summary>
    public ReferenceTable Build()
    {
        var keys = new StringTable();
        var names = schema.Columns.Select(c => c.Type == ReferenceType.Name ? new Utf8ColumnBuilder() : null).ToArray();
        var labels = schema.Columns.Select(c => c.Type == ReferenceType.Label ? new StringTable() : null).ToArray();
        var labelOf = labels.Select(l => l is null ? null : new int[rows.Count]).ToArray();
        var numbers = schema.Columns.Select(c => c.IsText ? null : new long[rows.Count]).ToArray();
        var bytes = new ByteWriter();
        ulong fingerprint = 0;
        foreach (var (key, row) in rows)
        {
            var number = keys.Intern(Encoding.UTF8.GetBytes(key), out _);
            bytes.Clear();
            bytes.Text(key);
            for (var i = 0; i < schema.Columns.Count; i++)
                if (schema.Columns[i].IsText)
                {
                    names[i]?.Append(Encoding.UTF8.GetBytes(row.Texts[i]));
                    if (labels[i] is { } table)
                        labelOf[i]![number] = table.Intern(Encoding.UTF8.GetBytes(row.Texts[i]), out _);
                    bytes.Text(row.Texts[i]);
                }
                else
                {
                    numbers[i]![number] = row.Numbers[i];
                    bytes.Zigzag(row.Numbers[i]);
                }
            // A sum, so that the order of rows does not matter.
            unchecked
            {
                fingerprint += Hash64.Of(bytes.Written);
            }
        }
        return new ReferenceTable(schema, fingerprint, keys,
            [.. schema.Columns.Select((_, i) => new ReferenceValues { Names = names[i]?.BuildUtf8(), Labels = labels[i], LabelOf = labelOf[i], Numbers = numbers[i] })], repeated);
    }

    private static string? Fault(ReferenceColumn column, string text, out long number)
    {
        number = ReferenceValues.NoNumber;
        if (column.Type == ReferenceType.Date)
        {
            if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
                number = day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
            else if (text.Contains('T', StringComparison.Ordinal) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                number = (long)Math.Floor((time.UtcDateTime - DateTime.UnixEpoch).TotalDays);
            else
                return $"has the {column.Name} '{text}', which is no date such as 2024-01-15";
            return null;
        }
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var price))
            return $"has the {column.Name} '{text}', which is no decimal number such as 12.50";
        if (Math.Abs(price) >= PriceLimit)
            return $"has the {column.Name} '{text}', which does not fit; give at most 14 digits before the point";
        number = (long)Math.Round(price * 10_000, MidpointRounding.AwayFromZero);
        return null;
    }

    private readonly record struct Row(string[] Texts, long[] Numbers);
}
