using System.Text;

namespace Tidemark.PowerBi;

/// <summary>The measures, all in one table. Sums over sliding windows keep to those that do not overlap.</summary>
internal static class Measures
{
    public const string Table = "Measures";

    private const string Whole = "'Conversion Funnel'[is_whole] = TRUE()";

    private static readonly (string Name, string Dax, string Format, string Says)[] All =
    [
        ("Event Count", "COUNTROWS('Events')", "#,##0", "Valid events."),
        ("Visitors", "CALCULATE(DISTINCTCOUNT('Events'[user_id]), 'Events'[event_type] IN {\"view\", \"page_view\"})", "#,##0", "Users who viewed something."),
        ("Active Users", "DISTINCTCOUNT('Events'[user_id])", "#,##0", "Users with any event."),
        ("Views", "SUM('Category Views'[view_count])", "#,##0", "Views in closed windows."),
        ("Revenue", "SUM('Country Revenue'[revenue])", "#,##0.00", "Revenue of closed hours."),
        ("Orders", "SUM('Country Revenue'[orders])", "#,##0", "Sessions that bought, counted once an hour."),
        ("Units", "SUM('Country Revenue'[units])", "#,##0", "Pieces sold."),
        ("Order Value", "DIVIDE([Revenue], [Orders])", "#,##0.00", "Revenue for each order."),
        ("Category Revenue", "CALCULATE(SUM('Revenue By Category'[total_revenue]), 'Revenue By Category'[is_whole] = TRUE())", "#,##0.00", "Revenue of closed minutes, by category."),
        ("Category Purchases", "CALCULATE(SUM('Revenue By Category'[purchase_count]), 'Revenue By Category'[is_whole] = TRUE())", "#,##0", "Purchases of closed minutes, by category."),
        ("Funnel Visitors", $"CALCULATE(SUM('Conversion Funnel'[unique_visitors]), {Whole})", "#,##0", "Visitors, each counted once in five minutes."),
        ("Funnel Cart Users", $"CALCULATE(SUM('Conversion Funnel'[cart_users]), {Whole})", "#,##0", "Users who put something into the cart, each counted once in five minutes."),
        ("Funnel Purchasers", $"CALCULATE(SUM('Conversion Funnel'[purchasers]), {Whole})", "#,##0", "Users who bought, each counted once in five minutes."),
        ("Conversion Rate", "DIVIDE([Funnel Purchasers], [Funnel Visitors])", "0.0%", "Purchasers for each visitor."),
        ("Cart Rate", "DIVIDE([Funnel Cart Users], [Funnel Visitors])", "0.0%", "Cart users for each visitor."),
        ("Cart Abandonment", "1 - DIVIDE([Funnel Purchasers], [Funnel Cart Users])", "0.0%", "Share of cart users who did not buy."),
        ("Revenue per Visitor", "DIVIDE([Revenue], [Visitors])", "#,##0.00", "Revenue for each visitor."),
        ("Sessions", "COUNTROWS('User Sessions')", "#,##0", "Sessions that have ended."),
        ("Session Minutes", "AVERAGE('User Sessions'[duration_seconds]) / 60", "0.0", "Mean time from the first to the last event of a session."),
        ("Session Conversion", "DIVIDE(CALCULATE(COUNTROWS('User Sessions'), 'User Sessions'[converted] = TRUE()), [Sessions])", "0.0%", "Share of sessions with a purchase."),
        ("Fraud Alerts Count", "COUNTROWS('Fraud Alerts')", "#,##0", "Alerts on unusual behaviour."),
        ("Late Events Count", "DISTINCTCOUNT('Late Events'[event_id])", "#,##0", "Events that missed at least one window."),
        ("Late Share", "DIVIDE([Late Events Count], [Event Count])", "0.00%", "Share of events that missed at least one window."),
        ("Late By Minutes", "AVERAGE('Late Events'[lag_ms]) / 60000", "0.0", "Mean time by which late events missed a window."),
        ("Quarantined", "COUNTROWS('Quarantine')", "#,##0", "Records that are no valid event."),
        ("Quarantine Share", "DIVIDE([Quarantined], COUNTROWS('Raw Events'))", "0.00%", "Share of records that are no valid event."),
        ("Newest Result", "MAX('Latest Category Views'[updated_at])", "yyyy-mm-dd hh:nn:ss", "When the newest result was written."),
    ];

    public static string Text()
    {
        var text = new StringBuilder($"/// All measures.\ntable {Table}\n");
        foreach (var (name, dax, format, says) in All)
            text.Append($"\n\t/// {says}\n\tmeasure {Tmdl.Quote(name)} = {dax}\n\t\tformatString: {format}\n");
        Tmdl.Column(text, "Value", "int64", null, isHidden: true);
        text.Append($"\n\tpartition {Table} = m\n\t\tmode: import\n");
        Tmdl.Block(text, "source", "#table(type table [Value = Int64.Type], {})");
        return text.ToString();
    }
}
