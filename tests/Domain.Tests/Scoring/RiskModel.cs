using Tidemark.Domain.Columns;
using Tidemark.Domain.Scoring;

namespace Tidemark.Domain.Tests.Scoring;

/// <summary>A logistic regression over amount and hour.</summary>
internal sealed class RiskModel : IScorer
{
    public string Name => "risk";

    public string Version => "3";

    public double Threshold => 0.8;

    public double CriticalThreshold => 0.95;

    public DoubleColumn Score(RowBatch rows)
    {
        var times = (Int64Column)rows["event_time"];
        var amounts = (Int64Column)rows["revenue"];
        var scores = new double[rows.Count];
        for (var row = 0; row < rows.Count; row++)
        {
            var amount = amounts.IsNull(row) ? 0 : amounts.Values[row] / 10_000.0;
            var isNight = DateTime.UnixEpoch.AddMicroseconds(times.Values[row]).Hour < 6;
            scores[row] = 1 / (1 + Math.Exp(6 - 0.01 * amount - (isNight ? 1.5 : 0)));
        }

        return new DoubleColumn(scores, rows.Count);
    }
}
