using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>The last amounts of a category, newest last. The topic is keyed by user, so each partition knows those of its own users.</summary>
internal sealed record CategoryHistory(List<decimal> Amounts);

/// <summary>Amounts that are unusual for their category.</summary>
internal sealed class CategoryRule : KeyedFunction<CategoryHistory>
{
    private const int MostAmounts = 200;

    public override RowSchema Output => FraudRows.Schema;

    protected override CategoryHistory OnRows(IKeyedCall call, CategoryHistory? state, RowBatch rows)
    {
        var amounts = state?.Amounts ?? [];
        for (var row = 0; row < rows.Count; row++)
        {
            var purchase = Purchase.Of(rows, row);
            if (purchase.Amount is not { } amount)
                continue;
            if (amounts.Count >= MostAmounts / 4 && Amounts.Score(amounts, amount) is { } score and >= 2 * Amounts.Unusual)
                FraudRows.Emit(
                    call, purchase, "unusual_amount_for_category", score, score >= 2 * Amounts.VeryUnusual,
                    new { category = call.Key.Value(0, 0), amount = Amounts.Text(amount), median = Amounts.Text(Amounts.Median(amounts)), purchases = amounts.Count });
            amounts.Add(amount);
            if (amounts.Count > MostAmounts)
                amounts.RemoveAt(0);
        }

        return new CategoryHistory(amounts);
    }

    protected override CategoryHistory? OnTimeout(IKeyedCall call, CategoryHistory state) => state;
}
