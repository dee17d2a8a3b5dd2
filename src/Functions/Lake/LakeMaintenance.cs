using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Tidemark.Delta;
using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Lake;

/// <summary>What maintenance came to for one table: what it did, or why it failed.</summary>
internal sealed record MaintainedTable(string Table, MaintenanceResult? Result, Exception? Failure);

/// <summary>
/// OPTIMIZE, checkpoint, log cleanup and VACUUM over the tables of all pipelines, one table at a time so that memory holds the work of one. Any
/// number may run beside each other and beside appends: each step is a commit that fails when another contradicts it, or deletes only what is
/// old and named by nobody.
/// </summary>
public sealed class LakeMaintenance
{
    private const string Alert = "maintenance";
    private readonly LakeTables _tables;
    private readonly IReadOnlyList<ILedger> _ledgers;
    private readonly IAlerts _alerts;
    private readonly ILogger<LakeMaintenance> _logger;

    internal LakeMaintenance(LakeTables tables, IReadOnlyList<ILedger> ledgers, IAlerts alerts, ILogger<LakeMaintenance> logger) =>
        (_tables, _ledgers, _alerts, _logger) = (tables, ledgers, alerts, logger);

    /// <summary>Names of all tables, whether they exist or not.</summary>
    internal IReadOnlyList<string> Tables => _tables.Names;

    /// <summary>
    /// Maintains the tables in this order; those that do not exist are passed over. A failure is raised as an alert with the table as its
    /// subject and the next table goes on; only cancellation ends the round.
    /// </summary>
    internal async IAsyncEnumerable<MaintainedTable> RunAsync(IReadOnlyList<string> names, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var name in names)
            if (await MaintainAsync(name, cancel) is { } outcome)
                yield return outcome;
    }

    /// <summary>Removes (or with <paramref name="dryRun"/> lists) the files of a table that no version needs; null when there is no such table yet.</summary>
    /// <param name="name">The table.</param>
    /// <param name="retention">At least the table's own retention; null = that.</param>
    /// <param name="dryRun">Deletes nothing.</param>
    /// <param name="cancel">Ends it between two files.</param>
    internal async Task<VacuumResult?> VacuumAsync(string name, TimeSpan? retention, bool dryRun, CancellationToken cancel)
    {
        var delta = _tables[name].Delta;
        return await ExistsAsync(delta, cancel) ? await delta.VacuumAsync(Vacuum(name) with { Retention = retention, DryRun = dryRun }, cancel) : null;
    }

    // A lake that no function has run on yet has no container either.
    private static async Task<bool> ExistsAsync(DeltaTable delta, CancellationToken cancel)
    {
        try
        {
            return (await delta.RefreshAsync(cancel)).Version >= 0;
        }
        catch (Azure.RequestFailedException e) when (e.ErrorCode == "ContainerNotFound")
        {
            return false;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails with one table must not keep the others from being maintained; it is raised as an alert and returned.")]
    private async Task<MaintainedTable?> MaintainAsync(string name, CancellationToken cancel)
    {
        try
        {
            var delta = _tables[name].Delta;
            if (!await ExistsAsync(delta, cancel))
            {
                _logger.LogInformation("Maintenance of {Table}: there is no such table yet.", name);
                return null;
            }

            var result = await delta.MaintainAsync(vacuum: Vacuum(name), ct: cancel);
            Log(name, result);
            return new MaintainedTable(name, result, null);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            _logger.LogError(e, "Maintenance of {Table} failed; the next round tries again.", name);
            await TryRaiseAsync(name, $"Maintenance failed and will be tried again by the next round: {e.Message}", cancel);
            return new MaintainedTable(name, null, e);
        }
    }

    private VacuumOptions Vacuum(string name) => new() { Protected = cancel => StagedAsync(name, cancel) };

    /// <summary>
    /// Files of a table that open ranges name: staged by ingest, committed by a later tick. A file that an attempt has staged and no range names
    /// yet is younger than any retention. Of a partition its head is read before its rows, and both after the files were listed.
    /// </summary>
    private async ValueTask<IReadOnlySet<string>> StagedAsync(string table, CancellationToken cancel)
    {
        var staged = new HashSet<string>(StringComparer.Ordinal);
        foreach (var ledger in _ledgers)
            if (await ledger.ReadMetaAsync(cancel) is { } meta)
                foreach (var partition in meta.Value.Starts.Keys)
                    foreach (var range in (await ledger.ReadPartitionAsync(partition, 0, cancel)).Ranges)
                        if (range.Staged is { } segment && segment.Files.TryGetValue(table, out var files))
                            staged.UnionWith(StagedFiles.Parse(files).Select(f => f.Path));
        return staged;
    }

    private async Task TryRaiseAsync(string table, string text, CancellationToken cancel)
    {
        try
        {
            await _alerts.RaiseAsync(Alert, table, text, cancel);
        }
        catch (Exception e) when (e is Azure.RequestFailedException or AggregateException or IOException)
        {
            _logger.LogWarning("The alert about {Table} could not be stored: {Reason}", table, e.Message.Split('\n')[0]);
        }
    }

    private void Log(string table, MaintenanceResult result)
    {
        if (result.Optimized is { } packed)
            _logger.LogInformation(
                "Maintenance of {Table}: version {Version}, {Removed} files packed into {Added}, checkpoint {Checkpoint}, {LogFiles} log files and {Files} data files ({Bytes} bytes) removed.",
                table, packed.Version, packed.FilesRemoved, packed.FilesAdded, result.Checkpoint, result.LogFilesRemoved, result.Vacuumed.Files.Count, result.Vacuumed.Bytes);
        else
            _logger.LogInformation(
                "Maintenance of {Table}: another change was faster than OPTIMIZE, which the next round makes up for; checkpoint {Checkpoint}, {LogFiles} log files and {Files} data files ({Bytes} bytes) removed.",
                table, result.Checkpoint, result.LogFilesRemoved, result.Vacuumed.Files.Count, result.Vacuumed.Bytes);
    }
}
