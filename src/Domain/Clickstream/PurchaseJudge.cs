using Tidemark.Domain.Clickstream.Streams;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Scoring;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream;

/// <summary>A purchase of one user, made or asked about.</summary>
/// <param name="At">When, UTC.</param>
/// <param name="Amount">How much; null where it is not known.</param>
/// <param name="Country">ISO 3166 code or English name; null where it is not known.</param>
public readonly record struct JudgedPurchase(DateTime At, decimal? Amount, string? Country);

/// <summary>What a rule says against a purchase.</summary>
/// <param name="Rule">Name of the rule, as in <c>gold/fraud_alerts</c>.</param>
/// <param name="Severity"><c>critical</c> or <c>warning</c>.</param>
/// <param name="Score">Score of the rule.</param>
/// <param name="Evidence">What it rests on, as JSON.</param>
public sealed record JudgedRule(string Rule, string Severity, double Score, string Evidence);

/// <summary>
/// Judges a purchase that was not made yet by the rules of <c>gold/fraud_alerts</c> that look at one user, and by the installed model. The same code as that of
/// the stream, over the purchases given instead of its state; the rule by category needs the category's others and is left out.
/// </summary>
public static class PurchaseJudge
{
    /// <summary>Purchases of the user that the rules look back at.</summary>
    public const int Most = 50;

    /// <summary>What the rules say against a purchase.</summary>
    /// <param name="user">The user.</param>
    /// <param name="before">The user's last purchases, oldest first; more than <see cref="Most"/> add nothing.</param>
    /// <param name="asked">The purchase.</param>
    /// <param name="scorer">The installed model; null = none.</param>
    public static IReadOnlyList<JudgedRule> Judge(string user, IReadOnlyList<JudgedPurchase> before, JudgedPurchase asked, IScorer? scorer = null)
    {
        var rows = new RowsBuilder(Scores.Purchases, before.Count + 1);
        foreach (var purchase in before.Append(asked))
            Add(rows, user, purchase);
        var all = rows.Build();
        var rules = (IKeyedFunction)new UserRules();
        var state = before.Count == 0 ? null : rules.OnRows(new Call(), null, RowBatches.Take(all, [.. Enumerable.Range(0, before.Count)]));
        var call = new Call();
        var last = RowBatches.Take(all, [before.Count]);
        rules.OnRows(call, state, last);
        return [.. call.Rules, .. OfModel(ModelRule.Alerts(scorer, last))];
    }

    private static IEnumerable<JudgedRule> OfModel(RowBatch alerts) => Enumerable.Range(0, alerts.Count).Select(row => new JudgedRule(
        (string)alerts.Value(row, "rule")!, (string)alerts.Value(row, "severity")!, (double)alerts.Value(row, "score")!, (string)alerts.Value(row, "evidence")!));

    private static void Add(RowsBuilder rows, string user, JudgedPurchase purchase)
    {
        var micros = (purchase.At - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        rows.Add([.. Scores.PurchaseColumns.Select(object? (column) => column switch
        {
            "event_time" => micros,
            "event_id" => "",
            "user_id" => user,
            "revenue" when purchase.Amount is { } amount => (long)(amount * 10_000),
            "country" => purchase.Country,
            _ => null,
        })]);
    }

    /// <summary>Keeps what the rules emit, and no timeouts: nothing lives on.</summary>
    private sealed class Call : IKeyedCall
    {
        public List<JudgedRule> Rules { get; } = [];

        public RowBatch Key => RowBatches.Empty(FraudRows.Schema);

        public long NowMs => 0;

        public long Watermark => long.MinValue;

        public void TimeoutAfter(long time)
        {
        }

        public void TimerAt(long time)
        {
        }

        public void Emit(params object?[] values) => Rules.Add(new JudgedRule((string)values[1]!, (string)values[2]!, (double)values[3]!, (string)values[7]!));
    }
}
