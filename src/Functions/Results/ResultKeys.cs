using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Results;

/// <summary>
/// Names and keys of result tables. RowKey: the greatest long less the window start (or the time of a stream's row) in ms, as 19 digits, so that the
/// newest comes first, then each key, escaped, with <c>|</c> between; a null key is <c>!n</c>, which no escaped text can be. Rows of a top have their
/// rank instead, in as many digits as the greatest one. Table storage takes 512 characters; where a key would be longer, a digest stands for its end.
/// </summary>
internal static class ResultKeys
{
    private const string NullKey = "!n";
    private const int LongestInIndex = 240;
    private const int Longest = 500;

    /// <summary>The table of a query: PascalCase of its snake_case name, e.g. <c>CategoryViews</c>.</summary>
    public static string Table(string query)
    {
        var name = new StringBuilder(query.Length);
        foreach (var word in query.Split('_', StringSplitOptions.RemoveEmptyEntries))
            name.Append(char.ToUpperInvariant(word[0])).Append(word, 1, word.Length - 1);
        return name.Length is >= 3 and <= 63 && char.IsAsciiLetter(name[0]) && name.ToString().All(char.IsAsciiLetterOrDigit)
            ? name.ToString()
            : throw new ArgumentException($"Query name '{query}' gives the table name '{name}'; a table needs 3 to 63 letters and digits, the first a letter.", nameof(query));
    }

    /// <summary>RowKey of a row.</summary>
    public static string Row(IOutput query, RowBatch rows, int row)
    {
        var key = new StringBuilder();
        if (query.TimeColumn is { } time)
        {
            var start = rows.Schema.IndexOf(time);
            if (rows.Columns[start].IsNull(row))
                throw new ArgumentException($"Row {row} of query {query.Name} has no {time}.", nameof(row));
            key.Append(Window(Cell.Milliseconds(rows, start, row)));
        }

        if ((query as QuerySpec)?.Top is { } top)
        {
            // Padded, so that rows of a window are in the order of their ranks.
            var rank = (Int32Column)rows[query.Keys[0]];
            return key.Append('|').Append(rank.Values[row].ToString(CultureInfo.InvariantCulture).PadLeft(top.ToString(CultureInfo.InvariantCulture).Length, '0')).ToString();
        }

        foreach (var name in query.Keys)
        {
            if (key.Length > 0)
                key.Append('|');
            key.Append(Cell.KeyText(rows, rows.Schema.IndexOf(name), row) is { } text ? TableKeys.Escape(text) : NullKey);
        }

        return Whole(key.ToString());
    }

    /// <summary>RowKey of the row whose key this is.</summary>
    public static string Whole(string key) => TableKeys.Fit(key, Longest);

    /// <summary>What the RowKeys of all rows have in common whose keys begin so; others may have it too.</summary>
    public static string Prefix(string key) => TableKeys.FitPrefix(key, Longest);

    /// <summary>The table in which rows of a stream are found by a column, e.g. <c>FraudAlertsByUserId</c>.</summary>
    public static string IndexTable(string query, string column) => Table($"{query}_by_{column}");

    /// <summary>RowKey there: <see cref="IndexPrefix"/>, then the RowKey that the row has in the stream's own table, both short enough for Table storage's 1 KB.</summary>
    public static string IndexRow(string column, RowBatch rows, int row, string rowKey) =>
        Cell.KeyText(rows, rows.Schema.IndexOf(column), row) is { } text ? IndexPrefix(text) + InIndex(rowKey) : throw new ArgumentException($"Row {row} has no {column} to be found by.", nameof(row));

    /// <summary>The part of it that stands for the RowKey in the stream's own table.</summary>
    public static string InIndex(string rowKey) => TableKeys.Fit(rowKey, LongestInIndex);

    /// <summary>What the RowKeys of an index begin with for a value.</summary>
    public static string IndexPrefix(string value) => TableKeys.EscapeWithin(value, LongestInIndex) + "|";

    /// <summary>Start of the window that a RowKey is of, ms.</summary>
    public static long WindowStart(string rowKey) => long.MaxValue - long.Parse(rowKey.AsSpan(0, 19), NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>First part of the RowKeys of a window.</summary>
    public static string Window(long startMs) => (long.MaxValue - Math.Max(startMs, 0)).ToString("D19", CultureInfo.InvariantCulture);
}
