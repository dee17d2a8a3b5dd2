using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Triggers;

/// <summary>Runs the process's <see cref="Tick"/>, one invocation at a time, and publishes what it saw.</summary>
public sealed class TickRunner : IDisposable
{
    private static readonly TimeSpan GapsEvery = TimeSpan.FromMinutes(1);
    private readonly Tick _tick;
    private readonly InvocationEntities _entities;
    private readonly Preparation _preparation;
    private readonly ILedger _ledger;
    private readonly StatusBoard _board;
    private readonly StatusStore _store;
    private readonly TableAlerts _alerts;
    private readonly TimeProvider _time;
    private readonly ILogger<TickRunner> _logger;
    private readonly SemaphoreSlim _one = new(1);
    private IReadOnlyList<Gap> _gaps = [];
    private DateTimeOffset _gapsReadAt;

    internal TickRunner(Tick tick, InvocationEntities entities, Preparation preparation, ILedger ledger, StatusBoard board, StatusStore store, TableAlerts alerts, TimeProvider time, ILogger<TickRunner> logger) =>
        (_tick, _entities, _preparation, _ledger, _board, _store, _alerts, _time, _logger) = (tick, entities, preparation, ledger, board, store, alerts, time, logger);

    public void Dispose() => _one.Dispose();

    public async Task RunAsync(DurableTaskClient client, CancellationToken cancel)
    {
        // The host never overlaps timers of one instance; if it does, the second has nothing to add.
        if (!await _one.WaitAsync(TimeSpan.Zero, cancel))
            return;
        try
        {
            await TickAsync(client, cancel);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            _board.Failed("Tick", e);
            await TryPublishAsync(cancel);
            throw;
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task TickAsync(DurableTaskClient client, CancellationToken cancel)
    {
        await _preparation.EnsureAsync(cancel);
        if (!_board.IsSeeded)
            _board.Seed(await _store.ReadAsync(cancel));
        _entities.Bind(client);
        var began = _time.GetTimestamp();
        var report = await _tick.RunAsync(cancel);
        _board.Succeeded("Tick");
        if (report.Skipped is { } reason)
            _logger.LogDebug("Tick skipped: {Reason}", reason);
        else if (_time.GetUtcNow() - _gapsReadAt >= GapsEvery)
        {
            _gaps = await _ledger.ReadGapsAsync([.. report.Partitions.Select(p => p.Partition)], cancel);
            _gapsReadAt = _time.GetUtcNow();
        }

        var status = _board.Ticked(report, _time.GetElapsedTime(began), _gaps, await _alerts.ListAsync(cancel));
        if (report.Skipped is null)
            await _store.WriteAsync(status, cancel);
    }

    /// <summary>A tick that fails says so where others can read it, if storage allows.</summary>
    private async Task TryPublishAsync(CancellationToken cancel)
    {
        try
        {
            if (_board.IsSeeded)
                await _store.WriteAsync(_board.Current, cancel);
        }
        catch (Exception e) when (e is Azure.RequestFailedException or AggregateException or IOException)
        {
            _logger.LogWarning("The status could not be written: {Reason}", e.Message.Split('\n')[0]);
        }
    }
}
