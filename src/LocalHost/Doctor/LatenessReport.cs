using Tidemark.Delta;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Lateness;
using Tidemark.LocalHost.Lake;

namespace Tidemark.LocalHost.Doctor;

/// <summary>How late the newest events came, the advice that follows for each output, and the rows that <c>silver/late</c> has of it.</summary>
internal sealed record LatenessReport(LatenessProfile Measured, IReadOnlyList<DelayAdvice> Advice, IReadOnlyDictionary<string, long> LateRows)
{
    /// <summary>Events that are measured unless somebody says otherwise.</summary>
    public const int Newest = 1_000_000;

    private const string Silver = "silver/events";
    private const string Late = "silver/late";

    /// <summary>Reads three columns of about <paramref name="newest"/> of the newest events.</summary>
    public static async Task<LatenessReport> MeasureAsync(LakeReader lake, int newest, CancellationToken cancel)
    {
        var tables = await lake.TablesAsync(cancel);
        var arrivals = new List<Arrival>();
        if (tables.Contains(Silver))
        {
            await foreach (var batch in lake.ReadNewestAsync(Silver, ["kafka_partition", "kafka_offset", "event_time"], newest, cancel))
                Add(arrivals, batch);
        }

        var measured = LatenessProfile.Of(arrivals);
        var outputs = ClickstreamQueries.All.Select(LateOutput.Of).Concat(ClickstreamStreams.All.Select(LateOutput.Of).OfType<LateOutput>());
        IReadOnlyDictionary<string, long> late = tables.Contains(Late) ? await lake.CountByAsync(Late, "query", cancel) : new Dictionary<string, long>();
        return new LatenessReport(measured, [.. outputs.Select(output => DelayAdvice.For(output, measured))], late);
    }

    private static void Add(List<Arrival> arrivals, RecordBatch batch)
    {
        var (partitions, offsets, times) = ((Int32Column)batch["kafka_partition"], (Int64Column)batch["kafka_offset"], (Int64Column)batch["event_time"]);
        for (var row = 0; row < batch.RowCount; row++)
            arrivals.Add(new Arrival(partitions.Values[row], offsets.Values[row], times.Values[row] / 1000));
    }
}
