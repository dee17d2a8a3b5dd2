using System.Runtime.CompilerServices;
using Tidemark.Delta;
using Tidemark.Functions.Lake;

namespace Tidemark.Functions.Replay;

/// <summary>All quarantined records, read from their table.</summary>
internal sealed class QuarantineReader(LakeTables tables)
{
    /// <summary>Records of the newest version in no order; none when there is no table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="since">Only records with at least this Kafka time; null = all.</param>
    /// <param name="cancel">Stops reading.</param>
    public async IAsyncEnumerable<QuarantinedRecord> ReadAsync(string table, DateTime? since, [EnumeratorCancellation] CancellationToken cancel)
    {
        var lake = tables[table];
        if ((await lake.Delta.RefreshAsync(cancel)).Version < 0)
            yield break;
        var filter = since is { } from ? new ScanFilter().Between("kafka_time", (from - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, null) : new ScanFilter();
        await foreach (var batch in lake.Delta.ReadAsync(await lake.Delta.SnapshotAsync(ct: cancel), [.. lake.Rows.Fields.Select(f => f.Name)], filter, cancel))
        {
            var rows = DeltaColumns.FromDelta(batch, lake.Rows);
            for (var row = 0; row < rows.Count; row++)
                if (QuarantinedRecord.Of(rows, row) is var record && !(record.KafkaTime < since))
                    yield return record;
        }
    }
}
