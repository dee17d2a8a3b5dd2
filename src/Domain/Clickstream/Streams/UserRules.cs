using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>What is known of a user: the last amounts, the purchases of the last minute, and where and when the last one was.</summary>
/// <param name="Amounts">The last of them.</param>
/// <param name="Recent">Times of the purchases within a minute of the newest, ascending.</param>
internal sealed record UserHistory(RecentAmounts Amounts, List<long> Recent)
{
    /// <summary>An alert was given for the purchases that still follow each other.</summary>
    public bool IsBurst { get; set; }

    /// <summary>Country of the newest purchase that had one.</summary>
    public string? Country { get; set; }

    /// <summary>When that was.</summary>
    public long CountryAt { get; set; }

    /// <summary>Time of the newest purchase.</summary>
    public long Newest { get; set; }
}

/// <summary>The rules that look at one user.</summary>
internal sealed class UserRules : RowwiseFunction<UserHistory>
{
    private const int MostAmounts = 50;
    private const int Burst = 5;
    private const double LeastKilometres = 300;
    private const double FastestKmh = 1_000;
    private const long Minute = 60_000_000;

    private PurchaseColumns? _columns;

    public override RowSchema Output => FraudRows.Schema;

    protected override UserHistory OnRows(IKeyedCall call, UserHistory? state, RowBatch batch, ReadOnlySpan<int> which)
    {
        var columns = PurchaseColumns.Of(batch, ref _columns);
        foreach (var row in which)
            state = Judge(call, state, columns[batch, row]);
        call.TimeoutAfter(state!.Newest + FraudRows.Kept);
        return state;
    }

    protected override UserHistory? OnTimeout(IKeyedCall call, UserHistory state) => null;

    private static UserHistory Judge(IKeyedCall call, UserHistory? state, Purchase purchase)
    {
        if (state is null || purchase.TimeMicros > state.Newest + FraudRows.Kept)
            state = new UserHistory(new RecentAmounts(), []) { Newest = purchase.TimeMicros };
        state.IsBurst = Rapid(call, state, purchase);
        Unusual(call, state.Amounts, purchase);
        if (purchase.HasCountry)
            Travel(call, state, purchase);
        state.Newest = Math.Max(state.Newest, purchase.TimeMicros);
        return state;
    }

    private static bool Rapid(IKeyedCall call, UserHistory state, Purchase purchase)
    {
        var recent = state.Recent;
        var at = recent.Count;
        while (at > 0 && recent[at - 1] > purchase.TimeMicros)
            at--;
        recent.Insert(at, purchase.TimeMicros);
        var old = 0;
        while (recent[old] <= recent[^1] - Minute)
            old++;
        recent.RemoveRange(0, old);
        if (recent.Count < Burst)
            return false;
        if (!state.IsBurst)
            FraudRows.Emit(call, purchase, "rapid_transactions", recent.Count, isCritical: false, new { purchases = recent.Count, within_seconds = 60 });
        // Only the newest are needed to see that it goes on.
        recent.RemoveRange(0, Math.Max(0, recent.Count - 100));
        return true;
    }

    private static void Unusual(IKeyedCall call, RecentAmounts amounts, Purchase purchase)
    {
        if (purchase.Amount is not { } amount)
            return;
        if (amounts.Score(amount, FraudRows.Unusual) is { } score)
            FraudRows.Emit(
                call, purchase, "unusual_amount_for_user", score, score >= FraudRows.VeryUnusual,
                new { amount = FraudRows.Text(amount), median = FraudRows.Text(amounts.Median), purchases = amounts.Count });
        amounts.Add(amount, MostAmounts);
    }

    private static void Travel(IKeyedCall call, UserHistory state, Purchase purchase)
    {
        var isSame = state.Country is { } known && purchase.IsFrom(known);
        if (state.Country is { } from && !isSame && Countries.Kilometres(from, purchase.Country) is { } distance)
        {
            var hours = Math.Max(Math.Abs(purchase.TimeMicros - state.CountryAt) / 3.6e9, 1 / 60d);
            var speed = (distance - LeastKilometres) / hours;
            if (speed > FastestKmh)
                FraudRows.Emit(
                    call, purchase, "impossible_travel", speed / FastestKmh, isCritical: true,
                    new { from, to = purchase.Country, kilometres = Math.Round(distance), minutes = Math.Round(hours * 60, 1) });
        }

        if (purchase.TimeMicros < state.CountryAt)
            return;
        state.CountryAt = purchase.TimeMicros;
        if (!isSame)
            state.Country = purchase.Country;
    }
}
