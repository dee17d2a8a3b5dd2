using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>One purchase, as the rules see it.</summary>
internal readonly record struct Purchase(string EventId, long TimeMicros, string UserId, decimal? Amount, string? Country)
{
    public static Purchase Of(RowBatch rows, int row) => new(
        (string)rows.Value(row, "event_id")!, ((Int64Column)rows["event_time"]).Values[row], (string)rows.Value(row, "user_id")!,
        (decimal?)rows.Value(row, "revenue"), rows.Value(row, "country") as string);
}

/// <summary>Columns of an alert, and how one is written.</summary>
internal static class FraudRows
{
    public static RowSchema Schema { get; } = new(
    [
        new("event_time", FieldType.Timestamp, false), new("rule", FieldType.String, false), new("severity", FieldType.String, false), new("score", FieldType.Double, false),
        new("user_id", FieldType.String, false), new("event_id", FieldType.String, false), new("amount", FieldType.Decimal, true, 18, 4), new("evidence", FieldType.String, false),
    ]);

    public static void Emit(IKeyedCall call, Purchase purchase, string rule, double score, bool isCritical, object evidence) =>
        Add(values => call.Emit(values.ToArray()), purchase, rule, score, isCritical, evidence);

    public static void Add(RowSink to, Purchase purchase, string rule, double score, bool isCritical, object evidence) => to(
        purchase.TimeMicros, rule, isCritical ? "critical" : "warning", Math.Round(score, 4), purchase.UserId, purchase.EventId,
        purchase.Amount is { } amount ? (long)(amount * 10_000) : null, JsonSerializer.Serialize(evidence));

    /// <summary>Takes one row, a value a column.</summary>
    public delegate void RowSink(params ReadOnlySpan<object?> values);
}

/// <summary>The last amounts of a user or a category, and how far a new one is from them.</summary>
internal static class Amounts
{
    public const double Unusual = 3.5, VeryUnusual = 8;
    private const int Least = 8;

    /// <summary>
    /// Robust z-score: how many deviations above the median, the deviation being the median distance from it (at least a twentieth of it), as wide as a
    /// standard deviation. Null below eight amounts.
    /// </summary>
    public static double? Score(IReadOnlyList<decimal> before, decimal amount)
    {
        if (before.Count < Least)
            return null;
        var median = Median(before);
        var deviation = Math.Max(Median([.. before.Select(a => Math.Abs(a - median))]), Math.Max(Math.Abs(median) / 20, 0.01m));
        return 0.6745 * (double)((amount - median) / deviation);
    }

    public static decimal Median(IReadOnlyList<decimal> amounts)
    {
        var sorted = amounts.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    public static string Text(decimal amount) => amount.ToString("0.00##", CultureInfo.InvariantCulture);
}
