using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Scoring;

namespace Tidemark.Domain.Tests.Scoring;

/// <summary>Purchases with a model's scores, and purchases judged before they are made.</summary>
public sealed class ScorerTests
{
    private const long Noon = 1_700_000_000_000;

    [Fact]
    public void Every_purchase_has_the_score_that_the_model_gives_it_alone_and_the_version_that_gave_it()
    {
        var rows = Purchases(new Random(3), 200);
        var scored = Run("purchases", new RiskModel(), rows);
        Assert.Equal(rows.Count, scored.Count);
        for (var row = 0; row < rows.Count; row++)
        {
            Assert.Equal(rows.Value(row, "event_id"), scored.Value(row, "event_id"));
            Assert.Equal("risk/3", scored.Value(row, "model"));
            Assert.Equal(Naive(rows, row), (double)scored.Value(row, "model_score")!, 1e-12);
            Assert.Null(scored.Value(row, "model_error"));
        }

        var without = Run("purchases", null, rows);
        Assert.Equal(rows.Count, without.Count);
        Assert.All(Enumerable.Range(0, rows.Count), row => Assert.Null(without.Value(row, "model") ?? without.Value(row, "model_score")));
    }

    [Fact]
    public void What_the_model_takes_for_fraud_is_an_alert_with_its_version_and_nothing_else_is()
    {
        var rows = Purchases(new Random(4), 300);
        var alerts = Run("fraud_alerts", new RiskModel(), rows);
        var mine = Enumerable.Range(0, alerts.Count).Where(row => (string)alerts.Value(row, "rule")! == "model").ToList();
        var expected = Enumerable.Range(0, rows.Count).Where(row => Naive(rows, row) >= 0.8).ToList();
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Select(row => rows.Value(row, "event_id")), mine.Select(row => alerts.Value(row, "event_id")));
        Assert.Equal(expected.Select(row => Naive(rows, row) >= 0.95 ? "critical" : "warning"), mine.Select(row => alerts.Value(row, "severity")));
        Assert.All(mine, row => Assert.Equal("risk/3", JsonDocument.Parse((string)alerts.Value(row, "evidence")!).RootElement.GetProperty("model").GetString()));
        // The other rules say what they say without a model.
        var without = Run("fraud_alerts", null, rows);
        Assert.Equal(Lines(without), Lines(alerts).Where(line => !line.Contains("|model|", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_model_that_fails_loses_no_purchase_and_takes_no_score_from_others()
    {
        var rows = Purchases(new Random(5), 60);
        var scored = Run("purchases", new Brittle(), rows);
        Assert.Equal(rows.Count, scored.Count);
        var failed = 0;
        for (var row = 0; row < rows.Count; row++)
        {
            var isOdd = ((long)(decimal)rows.Value(row, "revenue")!) % 7 == 0;
            failed += isOdd ? 1 : 0;
            Assert.Equal(isOdd ? null : 0.5, scored.Value(row, "model_score"));
            Assert.Equal(isOdd ? "InvalidOperationException: no sevens" : null, scored.Value(row, "model_error"));
        }

        Assert.InRange(failed, 1, rows.Count - 1);
        Assert.Contains("2 scores for", (string)Run("purchases", new Answers(2), rows).Value(0, "model_error")!, StringComparison.Ordinal);
        Assert.Contains("finite", (string)Run("purchases", new Answers(null), rows).Value(0, "model_error")!, StringComparison.Ordinal);
    }

    [Fact]
    public void However_rows_come_in_batches_the_scores_are_the_same()
    {
        var rows = Purchases(new Random(6), 150);
        var whole = Lines(Run("purchases", new Brittle(), rows));
        var random = new Random(7);
        for (var trial = 0; trial < 5; trial++)
        {
            var parts = new List<RowBatch>();
            for (int from = 0, size; from < rows.Count; from += size)
                parts.Add(RowBatches.Take(rows, [.. Enumerable.Range(from, size = Math.Min(random.Next(1, 20), rows.Count - from))]));
            Assert.Equal(whole, Lines(Run("purchases", new Brittle(), [.. parts])));
        }
    }

    [Fact]
    public void A_purchase_is_judged_before_it_is_made_as_the_stream_judges_it_afterwards()
    {
        var rows = Purchases(new Random(8), 400, users: 3);
        var alerts = Run("fraud_alerts", new RiskModel(), rows);
        var byEvent = Enumerable.Range(0, alerts.Count).Where(row => (string)alerts.Value(row, "rule")! != "unusual_amount_for_category")
            .ToLookup(row => (string)alerts.Value(row, "event_id")!, row => (alerts.Value(row, "rule"), alerts.Value(row, "severity"), alerts.Value(row, "score"), alerts.Value(row, "evidence")));
        var before = new Dictionary<string, List<JudgedPurchase>>();
        var said = 0;
        for (var row = 0; row < rows.Count; row++)
        {
            var user = (string)rows.Value(row, "user_id")!;
            var purchase = new JudgedPurchase((DateTime)rows.Value(row, "event_time")!, (decimal?)rows.Value(row, "revenue"), rows.Value(row, "country") as string);
            var known = before.TryGetValue(user, out var list) ? list : before[user] = [];
            var judged = PurchaseJudge.Judge(user, [.. known.TakeLast(PurchaseJudge.Most)], purchase, new RiskModel());
            Assert.Equal(
                byEvent[(string)rows.Value(row, "event_id")!].Select(a => $"{a}").Order(),
                judged.Select(j => $"{((object)j.Rule, (object)j.Severity, (object)j.Score, (object)j.Evidence)}").Order());
            said += judged.Count;
            known.Add(purchase);
        }

        Assert.True(said > 20, $"Only {said} rules fired.");
    }

    [Fact]
    public void The_example_in_the_docs_is_the_one_that_is_tested()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Functions.sln")))
            root = root.Parent;
        var code = File.ReadAllText(Path.Combine(root.FullName, "tests", "Domain.Tests", "Scoring", "RiskModel.cs"));
        Assert.Contains(code[code.IndexOf("internal sealed class", StringComparison.Ordinal)..].TrimEnd(), File.ReadAllText(Path.Combine(root.FullName, "docs", "scoring.md")), StringComparison.Ordinal);
    }

    private static double Naive(RowBatch rows, int row)
    {
        var time = (DateTime)rows.Value(row, "event_time")!;
        var z = -6 + 0.01 * (double)((decimal?)rows.Value(row, "revenue") ?? 0) + (time.TimeOfDay < TimeSpan.FromHours(6) ? 1.5 : 0);
        return Math.Exp(z) / (1 + Math.Exp(z));
    }

    private static RowBatch Run(string stream, IScorer? scorer, params RowBatch[] batches)
    {
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"), scorer: scorer);
        var state = pipeline.OpenStream(stream, []);
        var output = new List<RowBatch>();
        foreach (var rows in batches)
        {
            state.Add(rows, output);
            state = pipeline.OpenStream(stream, state.Save());
        }

        return RowBatches.Concat(pipeline.Streams.First(s => s.Name == stream).Schema, output);
    }

    /// <summary>Purchases around the clock by a few users, some large, some far away, some in bursts.</summary>
    private static RowBatch Purchases(Random random, int count, int users = 5)
    {
        var shop = ClickstreamPipeline.Create(new EventOptions("shop"));
        var now = Noon;
        var records = new List<SourceRecord>();
        for (var i = 0; i < count; i++)
        {
            now += random.Next(4) == 0 ? random.Next(1_000) : random.Next(3_000_000);
            records.Add(new SourceRecord(i, now, null, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
                $$"""{"event_id":"e{{i}}","event_type":"purchase","ts":{{now}},"user_id":"u{{random.Next(users)}}","category":"c","country":"{{(random.Next(9) == 0 ? "JP" : "DE")}}","revenue":{{(random.Next(9) == 0 ? random.Next(500, 1200) : random.Next(10, 60))}}.25}""")), []));
        }

        using var decoded = shop.Decode(0, records, now);
        var rows = shop.Build(decoded, Noon - 60_000).Rows["silver/events"];
        return RowBatches.Take(rows, [.. Enumerable.Range(0, rows.Count)]);
    }

    private static List<string> Lines(RowBatch rows) => [.. Enumerable.Range(0, rows.Count).Select(row => string.Join("|", Enumerable.Range(0, rows.Columns.Count).Select(c => rows.Text(row, c))))];

    /// <summary>Cannot bear amounts whose whole part is a multiple of seven.</summary>
    private sealed class Brittle : IScorer
    {
        public string Name => "brittle";

        public string Version => "1";

        public double Threshold => 1;

        public double CriticalThreshold => 1;

        public DoubleColumn Score(RowBatch rows)
        {
            for (var row = 0; row < rows.Count; row++)
                if (((Int64Column)rows["revenue"]).Values[row] / 10_000 % 7 == 0)
                    throw new InvalidOperationException("no sevens");
            return new DoubleColumn([.. Enumerable.Repeat(0.5, rows.Count)], rows.Count);
        }
    }

    /// <summary>Gives so many scores whatever it is asked, or one a row that is no number.</summary>
    private sealed class Answers(int? count) : IScorer
    {
        public string Name => "answers";

        public string Version => "1";

        public double Threshold => 1;

        public double CriticalThreshold => 1;

        public DoubleColumn Score(RowBatch rows) => new([.. Enumerable.Repeat(double.NaN, count ?? rows.Count)], count ?? rows.Count);
    }
}
