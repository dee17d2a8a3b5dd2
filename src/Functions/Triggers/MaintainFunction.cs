using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Http;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Status;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Triggers;

/// <summary>
/// Keeps the tables in shape, on a schedule: packs small files of Delta tables, checkpoints, removes what no version needs, and in Table storage what is older
/// than the retention.
/// </summary>
public sealed class MaintainFunction
{
    private readonly MaintenanceRound _round;
    private readonly Preparation _preparation;

    /// <summary>Made by the host.</summary>
    public MaintainFunction(MaintenanceRound round, Preparation preparation) => (_round, _preparation) = (round, preparation);

    /// <summary>One round over all tables. It fails, after all of them, when one did: the run shows as failed, and the alerts say why.</summary>
    [Function("Maintain")]
    public async Task RunAsync([TimerTrigger("%" + Settings.Names.MaintainSchedule + "%")] TimerInfo timer, FunctionContext context)
    {
        await _preparation.EnsureAsync(context.CancellationToken);
        await _round.RunAsync(context.CancellationToken);
    }
}

/// <summary>A round of maintenance, and the note of what it left, for those who watch how small files gather.</summary>
public sealed class MaintenanceRound
{
    private readonly LakeMaintenance _maintenance;
    private readonly LakeTables _tables;
    // Of each query a round, so that a round ends; at 100 a transaction, some minutes' work.
    internal const int MostResultRows = 500_000;
    private readonly IReadOnlyList<ResultRetention> _results;
    private readonly MaintenanceStore _store;
    private readonly PipelineMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<MaintenanceRound> _logger;

    internal MaintenanceRound(
        LakeMaintenance maintenance, LakeTables tables, IReadOnlyList<ResultRetention> results, MaintenanceStore store, PipelineMetrics metrics, TimeProvider time, ILogger<MaintenanceRound> logger) =>
        (_maintenance, _tables, _results, _store, _metrics, _time, _logger) = (maintenance, tables, results, store, metrics, time, logger);

    internal async Task RunAsync(CancellationToken cancel)
    {
        var failures = new List<Exception>();
        // First, since it takes little: packing may take all the time that a run has.
        foreach (var results in _results)
            await TryAsync("the results", async () =>
            {
                foreach (var (output, removed) in await results.RemoveAsync(MostResultRows, cancel))
                    _logger.LogInformation("Maintenance of the results of {Output}: {Removed} rows removed that are older than the retention.", output, removed);
            });
        var left = (await _store.ReadAsync(cancel)).ToDictionary(t => t.Table);
        await foreach (var table in _maintenance.RunAsync(_maintenance.Tables, cancel))
            if (table.Failure is { } failure)
                failures.Add(new InvalidOperationException($"Maintenance of {table.Table} failed: {failure.Message}", failure));
            else
                await TryAsync(table.Table, async () => left[table.Table] = await LookAsync(table.Table, cancel));
        await _store.WriteAsync([.. left.Values], cancel);
        if (failures.Count == 0)
            return;
        _metrics.Failed("Maintain");
        throw new AggregateException($"Maintenance failed for {failures.Count} of {_maintenance.Tables.Count} tables and their results; the next round tries again.", failures);

        async Task TryAsync(string what, Func<Task> work)
        {
            try
            {
                await work();
            }
            catch (Exception e) when (!cancel.IsCancellationRequested)
            {
                failures.Add(new InvalidOperationException($"Maintenance of {what} failed: {e.Message}", e));
            }
        }
    }

    private async Task<MaintainedTableRow> LookAsync(string table, CancellationToken cancel)
    {
        var card = LakeSource.Card(table, await _tables[table].Delta.SnapshotAsync(ct: cancel));
        return new MaintainedTableRow(table, _time.GetUtcNow(), card.Version, card.Files, card.SmallFiles, card.Bytes);
    }
}
