using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>What is known of a user: the last amounts, the purchases of the last minute, and where and when the last one was.</summary>
/// <param name="Amounts">Newest last.</param>
/// <param name="Recent">Times of the purchases within a minute of the newest, ascending.</param>
/// <param name="IsBurst">An alert was given for the purchases that still follow each other.</param>
/// <param name="Country">Country of the newest purchase that had one.</param>
/// <param name="CountryAt">When that was.</param>
/// <param name="Newest">Time of the newest purchase.</param>
internal sealed record UserHistory(List<decimal> Amounts, List<long> Recent, bool IsBurst, string? Country, long CountryAt, long Newest);

/// <summary>The rules that look at one user.</summary>
internal sealed class UserRules : KeyedFunction<UserHistory>
{
    private const int MostAmounts = 50;
    private const int Burst = 5;
    private const double LeastKilometres = 300;
    private const double FastestKmh = 1_000;
    private const long Minute = 60_000_000;

    /// <summary>A user who buys nothing for so long is forgotten.</summary>
    private const long Kept = 90 * 1440 * Minute;

    public override RowSchema Output => FraudRows.Schema;

    protected override UserHistory OnRows(IKeyedCall call, UserHistory? state, RowBatch rows)
    {
        for (var row = 0; row < rows.Count; row++)
            state = Judge(call, state, Purchase.Of(rows, row));
        call.TimeoutAfter(state!.Newest + Kept);
        return state;
    }

    protected override UserHistory? OnTimeout(IKeyedCall call, UserHistory state) => null;

    private static UserHistory Judge(IKeyedCall call, UserHistory? state, Purchase purchase)
    {
        if (state is null || purchase.TimeMicros > state.Newest + Kept)
            state = new UserHistory([], [], false, null, 0, purchase.TimeMicros);
        var isBurst = Rapid(call, state, purchase);
        Unusual(call, state.Amounts, purchase);
        var (country, at) = Travel(call, state, purchase);
        return state with { IsBurst = isBurst, Country = country, CountryAt = at, Newest = Math.Max(state.Newest, purchase.TimeMicros) };
    }

    private static bool Rapid(IKeyedCall call, UserHistory state, Purchase purchase)
    {
        var recent = state.Recent;
        recent.Insert(recent.FindLastIndex(t => t <= purchase.TimeMicros) + 1, purchase.TimeMicros);
        var newest = recent[^1];
        recent.RemoveAll(t => t <= newest - Minute);
        if (recent.Count < Burst)
            return false;
        if (!state.IsBurst)
            FraudRows.Emit(call, purchase, "rapid_transactions", recent.Count, isCritical: false, new { purchases = recent.Count, within_seconds = 60 });
        // Only the newest are needed to see that it goes on.
        recent.RemoveRange(0, Math.Max(0, recent.Count - 100));
        return true;
    }

    private static void Unusual(IKeyedCall call, List<decimal> amounts, Purchase purchase)
    {
        if (purchase.Amount is not { } amount)
            return;
        if (Amounts.Score(amounts, amount) is { } score and >= Amounts.Unusual)
            FraudRows.Emit(
                call, purchase, "unusual_amount_for_user", score, score >= Amounts.VeryUnusual,
                new { amount = Amounts.Text(amount), median = Amounts.Text(Amounts.Median(amounts)), purchases = amounts.Count });
        amounts.Add(amount);
        if (amounts.Count > MostAmounts)
            amounts.RemoveAt(0);
    }

    private static (string? Country, long At) Travel(IKeyedCall call, UserHistory state, Purchase purchase)
    {
        if (purchase.Country is not { } country)
            return (state.Country, state.CountryAt);
        if (state.Country is { } from && from != country && Countries.Kilometres(from, country) is { } distance)
        {
            var hours = Math.Max(Math.Abs(purchase.TimeMicros - state.CountryAt) / 3.6e9, 1 / 60d);
            var speed = (distance - LeastKilometres) / hours;
            if (speed > FastestKmh)
                FraudRows.Emit(
                    call, purchase, "impossible_travel", speed / FastestKmh, isCritical: true,
                    new { from, to = country, kilometres = Math.Round(distance), minutes = Math.Round(hours * 60, 1) });
        }

        return purchase.TimeMicros >= state.CountryAt ? (country, purchase.TimeMicros) : (state.Country, state.CountryAt);
    }
}
