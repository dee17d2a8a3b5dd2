using System.Globalization;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Scoring;
using Tidemark.Functions.Status;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Triggers;

/// <summary>What follows a tick: status, progress, alerts, metrics and the line in the log.</summary>
internal sealed class TickAftermath(
    ILedger ledger, StatusBoard board, OperatorBoard operators, StatusStore store, MaintenanceStore maintenance, TableAlerts alerts, AlertWatch watch,
    PipelineMetrics metrics, string source, TimeProvider time, ILogger<TickAftermath> logger, WatchedScorer? scorer = null)
{
    private static readonly TimeSpan ReadEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ViewEvery = TimeSpan.FromSeconds(5);
    private IReadOnlyList<Gap> _gaps = [];
    private IReadOnlyList<MaintainedTableRow> _maintained = [];
    private DateTimeOffset _readAt;
    private DateTimeOffset _viewAt;

    /// <summary>Goes on from the view that an earlier process left.</summary>
    public async Task SeedAsync(CancellationToken cancel) => operators.Seed((await store.ReadViewAsync(cancel))?.View);

    /// <summary>Notes a run that failed.</summary>
    public void Failed(string function) => metrics.Failed(function);

    public async Task PublishAsync(TickReport tick, TimeSpan took, CancellationToken cancel)
    {
        if (tick.Skipped is not null)
        {
            board.Ticked(tick, took, _gaps, board.Current.Alerts);
            metrics.Skipped(source);
            return;
        }

        // A range of more offsets than records may have passed a gap, which is told at once.
        if (time.GetUtcNow() - _readAt >= ReadEvery || tick.Fresh.Any(f => f.To - f.From > f.Counts.GetValueOrDefault(StatusBoard.RecordCount)))
        {
            _gaps = await ledger.ReadGapsAsync([.. tick.Partitions.Select(p => p.Partition)], cancel);
            _maintained = await maintenance.ReadAsync(cancel);
            _readAt = time.GetUtcNow();
        }

        var status = board.Ticked(tick, took, _gaps, board.Current.Alerts);
        operators.Ticked(tick, status, board.Counted, _maintained);
        foreach (var raised in watch.Look(tick, status, operators.View))
            await alerts.RaiseAsync(raised.Rule.Name, raised.Subject, raised.Text, cancel);
        foreach (var (name, text) in scorer?.Take() ?? [])
            await alerts.RaiseAsync(name, scorer!.Name, text, cancel);
        status = board.Alerted(await alerts.ListAsync(cancel));
        metrics.Ticked(source, tick, board.Counted, status, operators.View, took);
        Log(tick, status, operators.View);
        await store.WriteAsync(status, cancel);
        if (time.GetUtcNow() - _viewAt >= ViewEvery)
        {
            await store.WriteAsync(new StoredView(operators.View, operators.Progress), cancel);
            _viewAt = time.GetUtcNow();
        }
    }

    /// <summary>One line a tick, in the terms of progress.</summary>
    private void Log(TickReport tick, StatusReport status, OperatorView view) => logger.LogInformation(
        "Tick {BatchId} of {Source}: {Rows} rows in, {Input}/s come and {Processed}/s processed, lag {Lag}, watermark {Frontier}, {Out} rows out, {Late} late, {Entities} entities, {Ranges} open ranges, {Ms} ms ({Phases})",
        view.BatchId, source, board.Counted.GetValueOrDefault(StatusBoard.RecordCount), Text(view.InputPerSecond), Text(view.ProcessedPerSecond), status.Lag,
        status.Frontier?.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture) ?? "none",
        tick.ResultRows + operators.Progress.Sum(p => p.Sink.NumOutputRows), operators.Progress.Sum(p => p.StateOperators.Sum(s => s.NumRowsDroppedByWatermark)),
        status.Entities, status.OpenRanges, status.TickMs, string.Join(", ", view.PhasesMs.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Key} {p.Value:0}"))));

    private static string Text(double? rate) => rate?.ToString("0.#", CultureInfo.InvariantCulture) ?? "?";
}
