using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Telemetry;
using Tidemark.Functions.Tests.Status;

namespace Tidemark.Functions.Tests.Telemetry;

/// <summary>The list of metrics, the instruments, docs/metrics.md and the queries in infra are one and the same.</summary>
public sealed partial class MetricsTests
{
    [Fact]
    public void The_page_on_metrics_lists_every_metric_as_the_code_has_it()
    {
        var rows = Documents.Read("docs/metrics.md").Split('\n').Where(line => line.StartsWith("| `tidemark.", StringComparison.Ordinal) || line.StartsWith("| `messaging.", StringComparison.Ordinal));
        Assert.Equal(
            Metrics.All.Select(m => $"| `{m.Name}` | {m.Instrument} | {m.Unit} | {m.Text} | {(m.Attributes.Length == 0 ? "–" : string.Join(", ", m.Attributes.Select(a => $"`{a}`")))} |"), rows);
    }

    [Fact]
    public void There_is_an_instrument_for_each_and_for_nothing_else()
    {
        var found = new List<(string Name, string Kind, string? Unit)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == Metrics.Meter)
                    lock (found)
                        found.Add((instrument.Name, Kind(instrument), instrument.Unit));
            },
        };
        listener.Start();
        using var metrics = new PipelineMetrics(new CostCounters());
        lock (found)
            Assert.Equal(Metrics.All.Select(m => (m.Name, m.Instrument, (string?)m.Unit)).Order(), found.Distinct().Order());
    }

    [Fact]
    public void Workbook_and_queries_in_infra_name_metrics_that_exist()
    {
        var names = Directory.EnumerateFiles(Path.Combine(Documents.Root, "infra"), "*.json", SearchOption.AllDirectories)
            .SelectMany(file => MetricName().Matches(File.ReadAllText(file))).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.NotEmpty(names);
        var known = Metrics.All.Select(m => m.Name).Concat(Metrics.All.SelectMany(m => m.Attributes)).ToHashSet();
        Assert.All(names, name => Assert.Contains(name, known));
    }

    private static string Kind(Instrument instrument) => instrument.GetType().Name switch
    {
        var name when name.StartsWith("Counter", StringComparison.Ordinal) => "counter",
        var name when name.StartsWith("Histogram", StringComparison.Ordinal) => "histogram",
        var name when name.StartsWith("ObservableGauge", StringComparison.Ordinal) => "gauge",
        var name => name,
    };

    [GeneratedRegex(@"'((?:tidemark|messaging)\.[a-z_.]+)'")]
    private static partial Regex MetricName();
}
