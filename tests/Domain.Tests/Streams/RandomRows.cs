using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>A row as the naive side of a test knows it; times in microseconds.</summary>
internal sealed record NaiveRow(string? Key, long? Time, long? Value, long? Gap = null);

/// <summary>Random rows of (key, time, value, gap) and streams fed with them in random batches, saved and loaded now and then.</summary>
internal static class RandomRows
{
    public static readonly RowSchema Schema = SchemaOf("");

    public static RowSchema SchemaOf(string prefix) => new([new(prefix + "key", FieldType.String), new(prefix + "time", FieldType.Timestamp),
        new(prefix + "value", FieldType.Int64), new(prefix + "gap", FieldType.Timestamp)]);

    public static List<NaiveRow> Make(Random random, int count, int keys)
    {
        var rows = new List<NaiveRow>();
        long now = 1_000_000_000;
        for (var i = 0; i < count; i++)
        {
            now += random.Next(0, 3_000_000);
            rows.Add(new NaiveRow(random.Next(12) == 0 ? null : $"k{random.Next(keys)}", random.Next(25) == 0 ? null : now - random.NextInt64(random.Next(4) == 0 ? 60_000_000 : 4_000_000),
                random.Next(8) == 0 ? null : random.Next(-5, 100), random.Next(10) == 0 ? null : random.Next(-1, 6) * 1_500_000L));
        }
        return rows;
    }

    public static RowBatch Batch(IReadOnlyList<NaiveRow> rows, RowSchema schema)
    {
        var builders = schema.Fields.Select(f => ColumnBuilder.For(f)).ToArray();
        foreach (var row in rows)
        {
            if (row.Key is null)
                builders[0].AppendNull();
            else
                ((Utf8ColumnBuilder)builders[0]).Append(System.Text.Encoding.UTF8.GetBytes(row.Key));
            Number(builders[1], row.Time);
            Number(builders[2], row.Value);
            Number(builders[3], row.Gap);
        }
        return new RowBatch(schema, [.. builders.Select(b => b.Build())], rows.Count);
    }

    /// <summary>Random cuts of a list, in order.</summary>
    public static List<List<T>> Cut<T>(Random random, List<T> all)
    {
        var parts = new List<List<T>>();
        for (var at = 0; at < all.Count;)
        {
            var size = Math.Min(all.Count - at, random.Next(0, 25));
            parts.Add(all.GetRange(at, size));
            at += size;
        }
        return parts;
    }

    public static StreamExecution Sometimes(Random random, StreamDefinition stream, StreamExecution execution) =>
        random.Next(3) == 0 ? StreamExecution.Load(stream, execution.Save()) : execution;

    public static IEnumerable<string> Lines(RowBatch rows) =>
        Enumerable.Range(0, rows.Count).Select(row => string.Join('|', Enumerable.Range(0, rows.Columns.Count).Select(c => rows.Text(row, c) ?? "NULL")));

    public static string Time(long micros) => DateTime.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-ddTHH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static void Number(ColumnBuilder to, long? value)
    {
        if (value is { } number)
            ((Int64ColumnBuilder)to).Append(number);
        else
            to.AppendNull();
    }
}
