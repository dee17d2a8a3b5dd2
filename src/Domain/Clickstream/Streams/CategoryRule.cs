using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>The last amounts of a category. The topic is keyed by user, so each partition knows those of its own users.</summary>
internal sealed record CategoryHistory(RecentAmounts Amounts)
{
    /// <summary>Time of the newest purchase; null in a state that was saved before it was noted.</summary>
    public long? Newest { get; set; }
}

/// <summary>Amounts that are unusual for their category. Categories are named by whoever sends events, so those without a purchase for long are forgotten.</summary>
internal sealed class CategoryRule : RowwiseFunction<CategoryHistory>
{
    private const int MostAmounts = 200;
    private PurchaseColumns? _columns;

    public override RowSchema Output => FraudRows.Schema;

    protected override CategoryHistory OnRows(IKeyedCall call, CategoryHistory? state, RowBatch batch, ReadOnlySpan<int> which)
    {
        var columns = PurchaseColumns.Of(batch, ref _columns);
        foreach (var row in which)
        {
            var purchase = columns[batch, row];
            if (state is null || purchase.TimeMicros > state.Newest + FraudRows.Kept)
                state = new CategoryHistory(new RecentAmounts());
            state.Newest = Math.Max(state.Newest ?? long.MinValue, purchase.TimeMicros);
            if (purchase.Amount is not { } amount)
                continue;
            var amounts = state.Amounts;
            if (amounts.Count >= MostAmounts / 4 && amounts.Score(amount, 2 * FraudRows.Unusual) is { } score)
                FraudRows.Emit(
                    call, purchase, "unusual_amount_for_category", score, score >= 2 * FraudRows.VeryUnusual,
                    new { category = call.Key.Value(0, 0), amount = FraudRows.Text(amount), median = FraudRows.Text(amounts.Median), purchases = amounts.Count });
            amounts.Add(amount, MostAmounts);
        }

        call.TimeoutAfter(state!.Newest!.Value + FraudRows.Kept);
        return state;
    }

    protected override CategoryHistory? OnTimeout(IKeyedCall call, CategoryHistory state) => null;
}
