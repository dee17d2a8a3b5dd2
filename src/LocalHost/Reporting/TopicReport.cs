using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Replay;
using Tidemark.LocalHost.Lake;

namespace Tidemark.LocalHost.Reporting;

/// <summary>What became of the records of one topic, or of all of them, in all runs on the data directory: read from the Delta tables.</summary>
internal sealed record TopicReport
{
    /// <summary>Records in bronze.</summary>
    public required long EventsIn { get; init; }

    /// <summary>Records in bronze that are neither in silver nor in quarantine.</summary>
    public required long Duplicates { get; init; }

    /// <summary>Records in quarantine by reason.</summary>
    public required IReadOnlyDictionary<string, long> Quarantined { get; init; }

    /// <summary>Late rows by query.</summary>
    public required IReadOnlyDictionary<string, long> Late { get; init; }

    /// <param name="pipeline">What is computed over the topic.</param>
    /// <param name="rows">Rows by table.</param>
    /// <param name="lake">The tables.</param>
    /// <param name="cancel">Cancellation.</param>
    public static async Task<TopicReport> MakeAsync(IPipeline pipeline, IReadOnlyDictionary<string, long> rows, LakeReader lake, CancellationToken cancel)
    {
        var names = pipeline.Tables.Select(table => table.Name).ToList();
        var (bronze, quarantine) = (names.Single(name => name.StartsWith("bronze/", StringComparison.Ordinal)), Quarantine.TableOf(pipeline));
        var late = names.Single(name => name == "silver/late" || name.EndsWith("_late", StringComparison.Ordinal));
        var silver = names.Single(name => name.StartsWith("silver/", StringComparison.Ordinal) && name != quarantine && name != late);
        var quarantined = await ByAsync(quarantine!, "reason");
        return new TopicReport
        {
            EventsIn = rows.GetValueOrDefault(bronze),
            // One that is stopped half-way may have tables a commit apart.
            Duplicates = Math.Max(0, rows.GetValueOrDefault(bronze) - rows.GetValueOrDefault(silver) - quarantined.Values.Sum()),
            Quarantined = quarantined,
            Late = await ByAsync(late, "query"),
        };

        async Task<IReadOnlyDictionary<string, long>> ByAsync(string table, string column) =>
            rows.GetValueOrDefault(table) == 0 ? new Dictionary<string, long>() : await lake.CountByAsync(table, column, cancel);
    }

    /// <summary>All topics together.</summary>
    public static TopicReport Sum(IReadOnlyCollection<TopicReport> topics) => new()
    {
        EventsIn = topics.Sum(t => t.EventsIn),
        Duplicates = topics.Sum(t => t.Duplicates),
        Quarantined = Sum(topics.Select(t => t.Quarantined)),
        Late = Sum(topics.Select(t => t.Late)),
    };

    private static SortedDictionary<string, long> Sum(IEnumerable<IReadOnlyDictionary<string, long>> counts) =>
        new(counts.SelectMany(c => c).GroupBy(c => c.Key).ToDictionary(c => c.Key, c => c.Sum(n => n.Value)), StringComparer.Ordinal);
}
