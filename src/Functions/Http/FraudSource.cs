using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Scoring;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>
/// Judges users. A critical reason weighs 0.9, a warning 0.5; the score is one less the product of what each leaves, and says the verdict: from
/// 0.9 on block, from 0.5 on review.
/// </summary>
public sealed class FraudSource
{
    private const string Alerts = "fraud_alerts", Purchases = "purchases";
    private const int MostReasons = 100;
    private const double OfCritical = 0.9, OfWarning = 0.5;
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(2);
    private readonly OutputBook _outputs;
    private readonly OutputRows _rows;
    private readonly StatusSource _status;
    private readonly IScorer? _scorer;
    private readonly TimeProvider _time;

    internal FraudSource(OutputBook outputs, OutputRows rows, StatusSource status, IScorer? scorer, TimeProvider time) =>
        (_outputs, _rows, _status, _scorer, _time) = (outputs, rows, status, scorer, time);

    /// <summary>The answer; null where the pipeline has no alerts of fraud.</summary>
    internal async Task<KeptBody?> JudgeAsync(string user, TimeSpan within, JudgedPurchase? purchase, CancellationToken cancel)
    {
        if (_outputs.Find(Alerts) is not { } alerts || _outputs.Find(Purchases) is not { } purchases)
            return null;
        var now = _time.GetUtcNow();
        var status = await _status.GetAsync(cancel);
        var fired = _rows.ReadAsync(Of(alerts, user, now - within, MostReasons), cancel);
        var before = purchase is null ? Task.FromResult(new RowsPage([], null)) : _rows.ReadAsync(Of(purchases, user, null, PurchaseJudge.Most), cancel);
        await Task.WhenAll(fired, before);
        var reasons = (await fired).Rows.Select(row => Reason(row, now)).ToList();
        AskedPurchase? judged = null;
        if (purchase is { } asked)
        {
            var last = (await before).Rows.Reverse().Select(Purchase).ToList();
            judged = new AskedPurchase(asked.Amount, asked.Country, last.Count);
            reasons.InsertRange(0, PurchaseJudge.Judge(user, last, asked with { At = now.UtcDateTime }, _scorer).Select(rule => new FraudReason(rule.Rule, rule.Severity, rule.Score, null, null, null, CutJson.Value(rule.Evidence))));
        }

        var score = Math.Round(1 - reasons.Aggregate(1.0, (left, reason) => left * (1 - (reason.Severity == "critical" ? OfCritical : OfWarning))), 4);
        var verdict = score >= OfCritical ? "block" : score >= OfWarning ? "review" : "allow";
        var asOf = new FraudAsOf(status.Frontier, status.UpdatedAt, status.State != "failing" && now - status.UpdatedAt < Stale, status.Lag, status.LatencyMs.Tables);
        var answer = new FraudAnswer(user, verdict, score, (long)within.TotalSeconds, judged, reasons, asOf);
        // While nothing new is known the answer is the same, though its reasons grow older.
        var same = answer with { Reasons = [.. reasons.Select(r => r with { AgeSeconds = null })], AsOf = asOf with { UpdatedAt = default, Lag = 0, LatencyMs = new(null, null, 0) } };
        return new KeptBody("application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(answer, StatusReport.Json), JsonSerializer.SerializeToUtf8Bytes(same, StatusReport.Json));
    }

    private static RowsWanted Of(IOutput output, string user, DateTimeOffset? from, int limit) => new(output, from, null, [new KeyFilter("user_id", user)], limit, null);

    private static FraudReason Reason(TableEntity row, DateTimeOffset now)
    {
        var at = row.GetDateTimeOffset("event_time");
        return new FraudReason(
            row.GetString("rule"), row.GetString("severity"), row.GetDouble("score") ?? 0, row.GetString("event_id"), at,
            at is { } time ? Math.Max(0, (long)(now - time).TotalSeconds) : null, CutJson.Value(row.GetString("evidence")));
    }

    private static JudgedPurchase Purchase(TableEntity row) => new(
        row.GetDateTimeOffset("event_time")?.UtcDateTime ?? DateTime.UnixEpoch,
        row.GetString("revenue") is { } digits ? decimal.Parse(digits, System.Globalization.CultureInfo.InvariantCulture) : null, row.GetString("country"));
}

/// <summary>What is answered about a user.</summary>
/// <param name="User">The user.</param>
/// <param name="Verdict"><c>allow</c>, <c>review</c> or <c>block</c>.</param>
/// <param name="Score">0 to 1.</param>
/// <param name="WithinSeconds">How far back alerts count.</param>
/// <param name="Purchase">The purchase that was asked about; null where none was.</param>
/// <param name="Reasons">What speaks against it: against the purchase first, then alerts, newest first, at most 100.</param>
/// <param name="AsOf">What was known.</param>
internal sealed record FraudAnswer(
    string User, string Verdict, double Score, long WithinSeconds, AskedPurchase? Purchase, IReadOnlyList<FraudReason> Reasons, FraudAsOf AsOf);

/// <summary>A purchase that was not made yet, and how many of the user's it was compared with.</summary>
internal sealed record AskedPurchase(decimal? Amount, string? Country, int PurchasesKnown);

/// <summary>A rule that fired: on an event, with its time and age, or on the purchase asked about, without.</summary>
internal sealed record FraudReason(string Rule, string Severity, double Score, string? EventId, DateTimeOffset? EventTime, long? AgeSeconds, JsonElement Evidence);

/// <summary>What the answer rests on.</summary>
/// <param name="Frontier">Event time up to which windows are being closed.</param>
/// <param name="UpdatedAt">When the pipeline last ticked.</param>
/// <param name="Fresh">Whether that is less than two minutes ago and was no failure.</param>
/// <param name="Lag">Records in Kafka that are not processed yet.</param>
/// <param name="LatencyMs">From Kafka to visible here.</param>
internal sealed record FraudAsOf(DateTimeOffset? Frontier, DateTimeOffset UpdatedAt, bool Fresh, long Lag, LatencyFigures LatencyMs);
