using Tidemark.Delta;
using Tidemark.Domain.Events;
using Tidemark.Domain.Lateness;
using Tidemark.LocalHost.Lake;

namespace Tidemark.LocalHost.Doctor;

/// <summary>How late the newest events came, the advice that follows for each output, and the rows that the table of late events has of it.</summary>
internal sealed record LatenessReport(LatenessProfile Measured, IReadOnlyList<DelayAdvice> Advice, IReadOnlyDictionary<string, long> LateRows)
{
    /// <summary>Events that are measured unless somebody says otherwise.</summary>
    public const int Newest = 1_000_000;

    /// <summary>Reads three columns of about <paramref name="newest"/> of the newest events of a topic.</summary>
    public static async Task<LatenessReport> MeasureAsync(LakeReader lake, EventPipeline pipeline, int newest, CancellationToken cancel)
    {
        var tables = await lake.TablesAsync(cancel);
        var arrivals = new List<Arrival>();
        if (tables.Contains(pipeline.EventTable))
        {
            await foreach (var batch in lake.ReadNewestAsync(pipeline.EventTable, ["kafka_partition", "kafka_offset", "event_time"], newest, cancel))
                Add(arrivals, batch);
        }

        var measured = LatenessProfile.Of(arrivals);
        IReadOnlyDictionary<string, long> late = tables.Contains(pipeline.LateTable) ? await lake.CountByAsync(pipeline.LateTable, "query", cancel) : new Dictionary<string, long>();
        return new LatenessReport(measured, [.. pipeline.LateOutputs.Select(output => DelayAdvice.For(output, measured))], late);
    }

    private static void Add(List<Arrival> arrivals, RecordBatch batch)
    {
        var (partitions, offsets, times) = ((Int32Column)batch["kafka_partition"], (Int64Column)batch["kafka_offset"], (Int64Column)batch["event_time"]);
        for (var row = 0; row < batch.RowCount; row++)
            arrivals.Add(new Arrival(partitions.Values[row], offsets.Values[row], times.Values[row] / 1000));
    }
}
