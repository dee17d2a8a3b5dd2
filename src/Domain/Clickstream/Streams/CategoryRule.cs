using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>The last amounts of a category. The topic is keyed by user, so each partition knows those of its own users.</summary>
internal sealed record CategoryHistory(RecentAmounts Amounts);

/// <summary>Amounts that are unusual for their category.</summary>
internal sealed class CategoryRule : RowwiseFunction<CategoryHistory>
{
    private const int MostAmounts = 200;
    private PurchaseColumns? _columns;

    public override RowSchema Output => FraudRows.Schema;

    protected override CategoryHistory OnRows(IKeyedCall call, CategoryHistory? state, RowBatch batch, ReadOnlySpan<int> which)
    {
        state ??= new CategoryHistory(new RecentAmounts());
        var (amounts, columns) = (state.Amounts, PurchaseColumns.Of(batch, ref _columns));
        foreach (var row in which)
        {
            var purchase = columns[batch, row];
            if (purchase.Amount is not { } amount)
                continue;
            if (amounts.Count >= MostAmounts / 4 && amounts.Score(amount, 2 * FraudRows.Unusual) is { } score)
                FraudRows.Emit(
                    call, purchase, "unusual_amount_for_category", score, score >= 2 * FraudRows.VeryUnusual,
                    new { category = call.Key.Value(0, 0), amount = FraudRows.Text(amount), median = FraudRows.Text(amounts.Median), purchases = amounts.Count });
            amounts.Add(amount, MostAmounts);
        }

        return state;
    }

    protected override CategoryHistory? OnTimeout(IKeyedCall call, CategoryHistory state) => state;
}
