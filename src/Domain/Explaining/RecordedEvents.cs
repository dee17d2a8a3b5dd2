using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Replays;

namespace Tidemark.Domain.Explaining;

/// <summary>The records of bronze, decoded again.</summary>
internal static class RecordedEvents
{
    /// <summary>Batches of valid events among the records of bronze that pass, with Kafka time at or after a bound (ms); duplicates included.</summary>
    public static async IAsyncEnumerable<RowBatch> ReadAsync(IPipeline pipeline, ILake lake, long? fromKafkaMs, Func<SourceRecord, bool> passes, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        IReadOnlyList<ColumnBounds> bounds = fromKafkaMs is { } from ? [new("kafka_time", from * 1000, null)] : [];
        await foreach (var rows in lake.ReadRowsAsync(pipeline.Tables[0].Name, RecordedRows.Columns, bounds, cancel))
            foreach (var partition in RecordedRows.Read(rows).Where(r => passes(r.Record)).GroupBy(r => r.Partition))
            {
                using var decoded = pipeline.Decode(partition.Key, [.. partition.Select(r => r.Record).OrderBy(r => r.Offset)], 0);
                // Its memory serves the next batch.
                var valid = ((IRecounting)pipeline).ValidEvents(decoded);
                yield return RowBatches.Take(valid, Enumerable.Range(0, valid.Count).ToArray());
            }
    }
}
