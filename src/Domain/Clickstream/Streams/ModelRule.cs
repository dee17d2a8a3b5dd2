using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Scoring;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Purchases as a scorer is given them.</summary>
internal static class ScoredRows
{
    /// <summary>The columns that a scorer is told of, in that order, whatever the order in the source.</summary>
    public static RowBatch InOrder(RowBatch rows) => new(Scores.Purchases, [.. Scores.PurchaseColumns.Select(name => rows[name])], rows.Count);
}

/// <summary>Purchases that the installed model takes for fraud; none without one.</summary>
internal static class ModelRule
{
    public const string Rule = "model";

    public static MapStage Stage(string id, string source, IScorer? scorer) => new(id, source, FraudRows.Schema, null, rows => Alerts(scorer, rows));

    public static RowBatch Alerts(IScorer? scorer, RowBatch purchases)
    {
        var alerts = new RowsBuilder(FraudRows.Schema);
        if (scorer is null || purchases.Count == 0)
            return alerts.Build();
        var scored = Scores.Apply(scorer, ScoredRows.InOrder(purchases));
        var bought = new PurchaseColumns(scored.Schema);
        for (var row = 0; row < scored.Count; row++)
            if (scored.Value(row, "model_score") is double score && score >= scorer.Threshold)
                alerts.Add(FraudRows.Row(
                    bought[scored, row], Rule, score, score >= scorer.CriticalThreshold,
                    new { model = $"{scorer.Name}/{scorer.Version}", score = score.ToString("R", CultureInfo.InvariantCulture), threshold = scorer.Threshold.ToString("R", CultureInfo.InvariantCulture) }));
        return alerts.Build();
    }
}
