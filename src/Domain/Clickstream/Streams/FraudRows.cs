using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Purchases of a batch, as the rules see them.</summary>
internal sealed class PurchaseColumns(RowSchema schema)
{
    private readonly int _id = schema.IndexOf("event_id"), _time = schema.IndexOf("event_time"), _user = schema.IndexOf("user_id"), _amount = schema.IndexOf("revenue"),
        _country = schema.IndexOf("country");

    /// <summary>Columns of a batch, found anew only where the schema is another than last time.</summary>
    public static PurchaseColumns Of(RowBatch rows, ref PurchaseColumns? last) =>
        last is { } known && ReferenceEquals(known.Schema, rows.Schema) ? known : last = new PurchaseColumns(rows.Schema);

    private RowSchema Schema => schema;

    public Purchase this[RowBatch rows, int row] => new(
        row, ((Int64Column)rows.Columns[_time]).Values[row], rows.Columns[_amount].IsNull(row) ? null : ((Int64Column)rows.Columns[_amount]).Values[row], rows.Columns[_country],
        rows.Columns[_id], rows.Columns[_user]);
}

/// <summary>One purchase. The amount is unscaled, four digits behind the point.</summary>
internal readonly struct Purchase(int row, long timeMicros, long? amount, Column country, Column id, Column user)
{
    public long TimeMicros => timeMicros;

    public long? Amount => amount;

    public string EventId => Encoding.UTF8.GetString(id.Bytes(row));

    public string UserId => Encoding.UTF8.GetString(user.Bytes(row));

    public bool HasCountry => !country.IsNull(row);

    public string Country => Encoding.UTF8.GetString(country.Bytes(row));

    public bool IsFrom(string name) => Ascii.Equals(country.Bytes(row), name) || Country == name;
}

/// <summary>Columns of an alert, and how one is written.</summary>
internal static class FraudRows
{
    public const double Unusual = 3.5, VeryUnusual = 8;

    /// <summary>A user or a category without a purchase for so long (90 days, µs) is forgotten.</summary>
    public const long Kept = 90L * 86_400 * 1_000_000;

    public static RowSchema Schema { get; } = new(
    [
        new("event_time", FieldType.Timestamp, false), new("rule", FieldType.String, false), new("severity", FieldType.String, false), new("score", FieldType.Double, false),
        new("user_id", FieldType.String, false), new("event_id", FieldType.String, false), new("amount", FieldType.Decimal, true, 18, 4), new("evidence", FieldType.String, false),
    ]);

    public static void Emit(IKeyedCall call, Purchase purchase, string rule, double score, bool isCritical, object evidence) =>
        call.Emit(Row(purchase, rule, score, isCritical, evidence));

    /// <summary>Values of an alert, a column each.</summary>
    public static object?[] Row(Purchase purchase, string rule, double score, bool isCritical, object evidence) =>
    [
        purchase.TimeMicros, rule, isCritical ? "critical" : "warning", Math.Round(score, 4), purchase.UserId, purchase.EventId, purchase.Amount,
        JsonSerializer.Serialize(evidence, StoredJson.Serializer),
    ];

    public static string Text(decimal amount) => amount.ToString("0.00##", CultureInfo.InvariantCulture);

    public static string Text(long unscaled) => Text(unscaled / 10_000m);
}
