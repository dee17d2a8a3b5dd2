using System.Text.Json;
using System.Text.Json.Serialization;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;
using Tidemark.LocalHost.Lake;

namespace Tidemark.LocalHost.Reporting;

/// <summary>
/// What <c>--report</c> writes. What is counted of topics and tables is read from the Delta tables and so is of all runs on the data directory; times, rates,
/// latency, memory and costs are those of this run.
/// </summary>
internal sealed record RunReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    };

    /// <summary>Records in bronze, of all topics.</summary>
    public required long EventsIn { get; init; }

    /// <summary>Records that the triggers delivered in this run; what they deliver again after a crash is among them.</summary>
    public required long EventsThisRun { get; init; }

    /// <summary>Rows by table.</summary>
    public required IReadOnlyDictionary<string, long> Rows { get; init; }

    /// <summary>Of all topics.</summary>
    public required long Duplicates { get; init; }

    /// <summary>Records of all topics by reason.</summary>
    public required IReadOnlyDictionary<string, long> Quarantined { get; init; }

    /// <summary>Late rows by query.</summary>
    public required IReadOnlyDictionary<string, long> Late { get; init; }

    /// <summary>The same by topic (<c>events</c>, <c>sensors</c>, …), of those that this run read.</summary>
    public required IReadOnlyDictionary<string, TopicReport> Topics { get; init; }

    public required IReadOnlyList<Gap> Gaps { get; init; }

    /// <summary>From the moment that the triggers ran to the moment that everything was committed.</summary>
    public required double ElapsedSeconds { get; init; }

    /// <summary>From the program's start to the moment that the triggers ran.</summary>
    public required double StartupSeconds { get; init; }

    public required double EventsPerSecond { get; init; }

    public required LatencyStatus LatencyMs { get; init; }

    public required double PeakMemoryMb { get; init; }

    /// <summary>Requests by kind.</summary>
    public required IReadOnlyDictionary<string, long> StorageTransactions { get; init; }

    /// <summary>Operations that entities ran.</summary>
    public required long EntityOperations { get; init; }

    /// <summary>What the pipeline asked of entities, by kind; reads are among them.</summary>
    public required IReadOnlyDictionary<string, long> EntityRequests { get; init; }

    public required long DeltaCommits { get; init; }

    public required PerThousand PerThousandEvents { get; init; }

    /// <param name="status">The pipeline's last status.</param>
    /// <param name="run">What the host measured.</param>
    /// <param name="pipelines">What is computed.</param>
    /// <param name="lake">The tables.</param>
    /// <param name="cancel">Cancellation.</param>
    public static async Task<RunReport> MakeAsync(StatusReport status, RunFigures run, HostedPipelines pipelines, LakeReader lake, CancellationToken cancel)
    {
        var tables = await lake.TablesAsync(cancel);
        var counts = await Task.WhenAll(tables.Select(async table => KeyValuePair.Create(table, await lake.CountAsync(table, cancel))));
        var rows = new SortedDictionary<string, long>(new Dictionary<string, long>(counts), StringComparer.Ordinal);
        var topics = new Dictionary<string, TopicReport>();
        foreach (var hosted in pipelines.All.Where(hosted => hosted.Kafka is not null))
            topics[hosted.Name] = await TopicReport.MakeAsync(hosted.Pipeline, rows, lake, cancel);
        var all = TopicReport.Sum(topics.Values);
        var transactions = status.Costs.StorageTransactions.Values.Sum();
        var thousands = Math.Max(run.Events, 1) / 1000.0;
        return new RunReport
        {
            EventsIn = all.EventsIn,
            EventsThisRun = run.Events,
            Rows = rows,
            Duplicates = all.Duplicates,
            Quarantined = all.Quarantined,
            Late = all.Late,
            Topics = topics,
            Gaps = status.Gaps,
            ElapsedSeconds = Math.Round(run.Elapsed.TotalSeconds, 3),
            StartupSeconds = Math.Round(run.Startup.TotalSeconds, 3),
            EventsPerSecond = Math.Round(run.Events / Math.Max(run.Elapsed.TotalSeconds, 0.001), 1),
            LatencyMs = status.LatencyMsWholeRun,
            PeakMemoryMb = Math.Round(ProcessMemory.PeakBytes() / 1048576.0, 1),
            StorageTransactions = status.Costs.StorageTransactions,
            EntityOperations = run.EntityOperations,
            EntityRequests = status.Costs.EntityOperations,
            DeltaCommits = status.Costs.DeltaCommits,
            PerThousandEvents = new PerThousand(
                Math.Round(transactions / thousands, 3), Math.Round(run.EntityOperations / thousands, 3), Math.Round(status.Costs.DeltaCommits / thousands, 3)),
        };
    }

    public Task WriteAsync(string path, CancellationToken cancel) => File.WriteAllTextAsync(path, JsonSerializer.Serialize(this, Options) + "\n", cancel);
}

/// <summary>Costs per 1,000 events of this run.</summary>
internal sealed record PerThousand(double StorageTransactions, double EntityOperations, double DeltaCommits);

/// <summary>What the host measured of a run.</summary>
internal sealed record RunFigures(long Events, TimeSpan Startup, TimeSpan Elapsed, long EntityOperations);

/// <summary>Memory of this process.</summary>
internal static class ProcessMemory
{
    /// <summary>Greatest resident size so far, bytes: VmHWM where the system has it.</summary>
    public static long PeakBytes()
    {
        if (OperatingSystem.IsLinux())
        {
            foreach (var line in File.ReadLines("/proc/self/status"))
            {
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan(6).Trim()[..^3], System.Globalization.CultureInfo.InvariantCulture) * 1024;
            }
        }

        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
