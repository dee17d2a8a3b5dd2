using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Invocation;

namespace Tidemark.LocalHost.Timers;

/// <summary>
/// The timer trigger of one function: one run at a time. Times that pass while it runs are skipped; the next run is the first time after its end.
/// A monitored timer that missed a run while the host was down runs at once with <see cref="TimerInfo.IsPastDue"/>.
/// </summary>
internal sealed class TimerListener(
    FunctionRunner function, TimerSchedule schedule, TimerTriggerAttribute trigger, TimerStatusStore statuses, TimeProvider time, ILogger logger)
    : IAsyncDisposable
{
    private readonly CancellationTokenSource stopTicking = new();
    private readonly CancellationTokenSource stopRunning = new();
    private readonly string name = function.Function.Name;
    private Task? ticking;

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    public void Start() => ticking = Task.Run(TickAsync);

    /// <summary>Lets a run in progress finish within the given time, then ends.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (ticking is null)
            return;
        await stopTicking.CancelAsync();
        using var limit = new CancellationTokenSource(grace, time);
        await using (limit.Token.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), stopRunning))
            await ticking;
        ticking = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        stopTicking.Dispose();
        stopRunning.Dispose();
    }

    private async Task TickAsync()
    {
        var monitored = trigger.UseMonitor && schedule.IsMonitored(Now);
        var status = monitored ? statuses.Read(name) : null;
        try
        {
            if (status is not null && status.Next < Now)
                status = await RunAsync(status, isPastDue: true, monitored);
            else if (trigger.RunOnStartup)
                status = await RunAsync(status, isPastDue: false, monitored);
            while (!stopTicking.IsCancellationRequested)
            {
                await DelayUntilAsync(schedule.Next(Now));
                status = await RunAsync(status, isPastDue: false, monitored);
            }
        }
        catch (OperationCanceledException) when (stopTicking.IsCancellationRequested)
        {
            // Stopped between two runs.
        }
    }

    private async Task DelayUntilAsync(DateTime due)
    {
        // Timers may fire a little early by the wall clock.
        while (Now < due)
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling((due - Now).TotalMilliseconds), 1, 3_600_000)), time, stopTicking.Token);
    }

    private async Task<ScheduleStatus?> RunAsync(ScheduleStatus? status, bool isPastDue, bool monitored)
    {
        var started = Now;
        var info = new TimerInfo { IsPastDue = isPastDue, ScheduleStatus = status };
        if (isPastDue)
            logger.LogInformation("{Function} was due at {Due:u} while the host was down and runs now", name, status!.Next);
        await function.RunAsync(info, stopTicking.Token, stopRunning.Token);
        if (!monitored)
            return null;
        var after = new ScheduleStatus { Last = started, Next = schedule.Next(Now), LastUpdated = Now };
        statuses.Write(name, after);
        return after;
    }
}
