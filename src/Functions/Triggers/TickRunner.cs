using System.Globalization;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Status;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Triggers;

/// <summary>Runs the process's <see cref="Tick"/>, one invocation at a time, and publishes what it saw.</summary>
internal sealed class TickRunner : IDisposable
{
    private readonly Tick _tick;
    private readonly InvocationEntities _entities;
    private readonly Preparation _preparation;
    private readonly StatusBoard _board;
    private readonly StatusStore _store;
    private readonly TickAftermath _aftermath;
    private readonly TimeProvider _time;
    private readonly ILogger<TickRunner> _logger;
    private readonly SemaphoreSlim _one = new(1);
    private TickReport? _last;
    private int _still;

    public TickRunner(Tick tick, InvocationEntities entities, Preparation preparation, StatusBoard board, StatusStore store, TickAftermath aftermath, TimeProvider time, ILogger<TickRunner> logger) =>
        (_tick, _entities, _preparation, _board, _store, _aftermath, _time, _logger) = (tick, entities, preparation, board, store, aftermath, time, logger);

    public void Dispose() => _one.Dispose();

    /// <summary>Runs once; what it saw, or null when another invocation is at it.</summary>
    internal async Task<TickReport?> RunAsync(DurableTaskClient client, CancellationToken cancel)
    {
        // The host never overlaps timers of one instance; if it does, the second has nothing to add.
        if (!await _one.WaitAsync(TimeSpan.Zero, cancel))
            return null;
        try
        {
            return await TickAsync(client, cancel);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            _board.Failed("Tick", e);
            _aftermath.Failed("Tick");
            await TryPublishAsync(cancel);
            throw;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Runs once; whether the next run need not wait for its schedule, since a bounded input has ended and this one or the one before got on with it: what
    /// a tick hands to entities shows in the second after it, when its ranges are settled.
    /// </summary>
    internal async Task<bool> AdvanceAsync(DurableTaskClient client, CancellationToken cancel)
    {
        if (await RunAsync(client, cancel) is not { } report)
            return false;
        _still = _last is null || report.HasMovedSince(_last) ? 0 : _still + 1;
        _last = report;
        return report.IsEnding && _still < 2;
    }

    /// <summary>Gives the lease back once the running tick has ended.</summary>
    internal async Task LeaveAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            await _tick.LeaveAsync(cancel);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<TickReport> TickAsync(DurableTaskClient client, CancellationToken cancel)
    {
        await _preparation.EnsureAsync(cancel);
        if (!_board.IsSeeded)
        {
            await _aftermath.SeedAsync(cancel);
            _board.Seed(await _store.ReadAsync(cancel));
        }

        _entities.Bind(client);
        using var span = TidemarkTrace.Source.StartActivity("tick");
        var began = _time.GetTimestamp();
        var report = await _tick.RunAsync(cancel);
        _board.Succeeded("Tick");
        TidemarkTrace.Link(span, report.Fresh.Select(f => f.TraceParent));
        await _aftermath.PublishAsync(report, _time.GetElapsedTime(began), cancel);
        foreach (var change in report.Changes)
            _logger.LogWarning("{Change}", change);
        if (report.Skipped is { } reason)
            _logger.LogDebug("Tick skipped: {Reason}", reason);
        return report;
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
