using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Lake;

namespace Tidemark.Functions.Corrections;

/// <summary>Corrections of Delta tables: files with a row to go are written anew without it, in the commit that adds the others.</summary>
internal sealed class LakeCorrections(LakeTables tables, CostCounters counters) : ICorrectable
{
    public async Task<long?> TryReplaceAsync(string table, PositionMove move, ColumnBounds where, RowBatch gone, RowBatch come, CancellationToken cancel)
    {
        var lake = tables[table];
        var wanted = Enumerable.Range(0, gone.Count).Select(row => RowDifference.Text(gone, row)).ToHashSet(StringComparer.Ordinal);
        try
        {
            var result = await lake.Delta.ReplaceRowsAsync(
                DeltaColumns.ToDelta(come, lake.Schema), new ScanFilter().Between(where.Column, where.From, where.To), Goes,
                [.. lake.Rows.Fields.Select(f => f.Name)], [new TxnMove(move.AppId, move.Expected, move.Next)], cancel);
            counters.Add(CostCounters.DeltaCommit);
            return result.Version;
        }
        catch (DeltaConflictException)
        {
            return null;
        }

        bool[] Goes(RecordBatch batch)
        {
            var rows = DeltaColumns.FromDelta(batch, lake.Rows);
            return [.. Enumerable.Range(0, rows.Count).Select(row => wanted.Contains(RowDifference.Text(rows, row)))];
        }
    }
}
