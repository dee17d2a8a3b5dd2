using System.Globalization;
using System.Text.RegularExpressions;
using Tidemark.Infra.Tests.Bicep;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Azd;

/// <summary>docs/cost.md is worked out from its own prices, counts and set-up, and these are those of the presets.</summary>
public sealed partial class CostPageTests
{
    private const double Hours = 730;
    private const double Seconds = Hours * 3600;
    private static readonly string Page = Repository.Read("docs/cost.md");
    private static readonly string[] Sizes = ["dev", "standard", "large"];

    [Fact]
    public void Every_sum_follows_from_the_tables_above_it() => Assert.Empty(Problems(Page));

    [Theory]
    [InlineData("| Table storage, a million transactions | 0.036 |", "| Table storage, a million transactions | 0.36 |")]
    [InlineData("| throughput units | 1 | 2 | 10 |", "| throughput units | 1 | 3 | 10 |")]
    [InlineData("| seconds between ticks | 10 | 2 | 2 |", "| seconds between ticks | 10 | 1 | 2 |")]
    [InlineData("| bytes an event in the lake | 220 |", "| bytes an event in the lake | 420 |")]
    public void A_figure_that_does_not_fit_is_noticed(string piece, string fault)
    {
        Assert.Contains(piece, Page, StringComparison.Ordinal);
        Assert.NotEmpty(Problems(Page.Replace(piece, fault, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_set_up_is_that_of_the_presets()
    {
        var presets = BicepProject.Committed.Json("presets.json");
        double Preset(string size, string name) => presets[size]![name]!.GetValue<double>();
        double Setting(string size, string name) => double.Parse(Digits().Match(presets[size]!["settings"]![name]!.ToString()).Value, CultureInfo.InvariantCulture);
        var page = new Tables(Page);
        for (var i = 0; i < Sizes.Length; i++)
        {
            Assert.Equal(Preset(Sizes[i], "throughputUnits"), page["throughput units", i]);
            Assert.Equal(Preset(Sizes[i], "instanceMemoryMB") / 1024, page["GB an instance", i]);
            Assert.Equal(Preset(Sizes[i], "alwaysReadyIngest") + Preset(Sizes[i], "alwaysReadyTick"), page["instances always ready", i]);
            Assert.Equal(Setting(Sizes[i], "TickSchedule"), page["seconds between ticks", i]);
            Assert.Equal(Setting(Sizes[i], "CheckpointInterval"), page["seconds between checkpoints", i]);
            Assert.Equal(Preset(Sizes[i], "partitions"), page["partitions", i]);
        }
    }

    private static List<string> Problems(string text)
    {
        var page = new Tables(text);
        var problems = new List<string>();
        for (var i = 0; i < Sizes.Length; i++)
        {
            var sum = 0.0;
            foreach (var (row, dollars) in Month(page, i))
            {
                sum += dollars;
                Expect(row, i, dollars, "0.00");
            }

            var events = page["events a second", i] * Seconds / 1e6;
            Expect("**together**", i, sum, "0");
            Expect("for a million events", i, sum / events, "0.00");
            Expect("Durable Task Scheduler, million actions", i, page["entities, operations", i] * Seconds / 1e6, "0.00");
            Expect("requests to tables", i, (page["tables, reads", i] + page["tables, single writes", i] + page["tables, transactions of several rows", i]) * 1000 / page["events a second", i], null);
            Expect("requests to blobs", i, (page["blobs, writes", i] + page["blobs, lists", i] + page["blobs, reads", i]) * 1000 / page["events a second", i], null);
            Expect("signals to entities", i, page["of these, signals", i] * 1000 / page["events a second", i], null);
            Expect("operations on entities", i, page["entities, operations", i] * 1000 / page["events a second", i], null);
        }

        return problems;

        // With a format as it is to be written, else to three digits.
        void Expect(string row, int i, double value, string? format)
        {
            var cell = page.Cell(row, i);
            if (format is not null ? cell.Replace(",", "", StringComparison.Ordinal) != value.ToString(format, CultureInfo.InvariantCulture) : Math.Abs(page[row, i] - value) > value * 0.006)
                problems.Add($"{row} at {Sizes[i]} is {cell} and should be {value}");
        }
    }

    private static IEnumerable<(string Row, double Dollars)> Month(Tables page, int i)
    {
        double Price(string what) => page[what, 0];
        var running = page["instances always ready", i] > 0 ? Price("Functions, running where always ready, a GB-second") : Price("Functions, on demand, a GB-second");
        var memory = page["GB an instance", i] * Seconds;
        var ticks = 1 / page["seconds between ticks", i];
        var tables = page["tables, reads", i] + page["tables, single writes", i] + page["tables, transactions of several rows", i];
        yield return ("Event Hubs, throughput units", page["throughput units", i] * Price("Event Hubs, a throughput unit, an hour") * Hours);
        yield return ("Event Hubs, events in", page["events a second", i] * Seconds / 1e6 * Price("Event Hubs, a million events in"));
        yield return ("instances kept ready", page["instances always ready", i] * memory * Price("Functions, always ready, a GB-second"));
        yield return ("reading", page["instances that read", i] * memory * running);
        yield return ("ticks", ticks * Math.Max(1, page["a tick takes, s", i]) * memory * running);
        yield return ("entities and maintenance", ((1 / page["seconds between checkpoints", i]) + (30.0 / 3600)) * memory * Price("Functions, on demand, a GB-second"));
        yield return ("runs of functions", (page["instances that read", i] + ticks + page["of these, signals", i]) * Seconds / 1e6 * Price("Functions, a million runs"));
        yield return ("tables, requests", tables * Seconds / 1e6 * Price("Table storage, a million transactions"));
        yield return ("blobs, writes and lists", (page["blobs, writes", i] + page["blobs, lists", i]) * Seconds / 1e6 * Price("Blob storage, a million writes or lists"));
        yield return ("blobs, requests to read", page["blobs, reads", i] * Seconds / 1e6 * Price("Blob storage, a million reads"));
        yield return ("lake, for each month of events kept", page["events a second", i] * Seconds * page["bytes an event in the lake", 0] / 1e9 * Price("Blob storage, a GB and month"));
    }

    [GeneratedRegex("\\d+")]
    private static partial Regex Digits();

    /// <summary>Rows of the page's tables by their first cell, which is there once.</summary>
    private sealed class Tables(string page)
    {
        private readonly Dictionary<string, string[]> rows = page.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries)).GroupBy(cells => cells[0]).Where(same => same.Count() == 1).ToDictionary(row => row.Key, row => row.Single()[1..]);

        public double this[string row, int column] => double.Parse(Cell(row, column).Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);

        public string Cell(string row, int column) => rows.TryGetValue(row, out var cells) ? cells[column] : throw new KeyNotFoundException($"docs/cost.md has no row '{row}'.");
    }
}
