using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.LocalHost.Discovery;
using Tidemark.LocalHost.Invocation;
using Tidemark.LocalHost.Settings;
using Tidemark.LocalHost.Timers;

namespace Tidemark.LocalHost.Tests.Timers;

public sealed class TimerListenerTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public sealed class TimerProbe
    {
        public List<(DateTimeOffset At, bool PastDue)> Runs { get; } = [];

        public Func<Task> During { get; set; } = () => Task.CompletedTask;

        public TimeProvider Time { get; set; } = TimeProvider.System;
    }

    public sealed class Ticker(TimerProbe probe)
    {
        [Function("Ticker")]
        public async Task Run([TimerTrigger("*/5 * * * * *")] TimerInfo timer, CancellationToken cancel)
        {
            probe.Runs.Add((probe.Time.GetUtcNow(), timer.IsPastDue));
            await probe.During().WaitAsync(cancel);
        }
    }

    public sealed class Failing(TimerProbe probe)
    {
        [Function("Failing")]
        [FixedDelayRetry(2, "00:00:01")]
        public void Run([TimerTrigger("*/30 * * * * *")] TimerInfo timer)
        {
            probe.Runs.Add((probe.Time.GetUtcNow(), timer.IsPastDue));
            throw new InvalidOperationException("tick refused");
        }
    }

    [Fact]
    public async Task Runs_come_at_the_times_of_the_schedule()
    {
        var (probe, time) = (new TimerProbe(), new SteppedTime(Noon));
        using var folder = new TestFolder();
        await using var timer = Start<Ticker>(probe, time, folder, "*/5 * * * * *");
        for (var run = 1; run <= 3; run++)
        {
            await StepAsync(time, TimeSpan.FromSeconds(5));
            await Eventually.True(() => probe.Runs.Count == run, $"run {run} came");
        }

        Assert.Equal([5, 10, 15], probe.Runs.Select(r => (int)(r.At - Noon).TotalSeconds));
    }

    [Fact]
    public async Task A_run_that_takes_long_is_never_overlapped_and_the_times_it_covers_are_skipped()
    {
        var (probe, time) = (new TimerProbe(), new SteppedTime(Noon));
        var release = new TaskCompletionSource();
        probe.During = () => release.Task;
        using var folder = new TestFolder();
        await using var timer = Start<Ticker>(probe, time, folder, "*/5 * * * * *");
        await StepAsync(time, TimeSpan.FromSeconds(5));
        await Eventually.True(() => probe.Runs.Count == 1, "the first run began");
        time.Advance(TimeSpan.FromSeconds(23));
        Assert.Single(probe.Runs);
        release.SetResult();
        await StepAsync(time, TimeSpan.FromSeconds(2));
        await Eventually.True(() => probe.Runs.Count == 2, "the second run came");
        Assert.Equal(30, (probe.Runs[1].At - Noon).TotalSeconds);
    }

    [Fact]
    public async Task A_failing_run_is_retried_as_its_attribute_says_and_the_schedule_goes_on()
    {
        var (probe, time) = (new TimerProbe(), new SteppedTime(Noon));
        using var folder = new TestFolder();
        await using var timer = Start<Failing>(probe, time, folder, "*/30 * * * * *");
        await StepAsync(time, TimeSpan.FromSeconds(30));
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await Eventually.True(() => probe.Runs.Count == attempt, $"attempt {attempt} was made");
            await StepAsync(time, TimeSpan.FromSeconds(1));
        }

        await StepAsync(time, TimeSpan.FromSeconds(27));
        await Eventually.True(() => probe.Runs.Count == 4, "the next run came");
        Assert.Equal([30, 31, 32, 60], probe.Runs.Select(r => (int)(r.At - Noon).TotalSeconds));
    }

    [Fact]
    public async Task A_monitored_timer_that_missed_a_run_while_the_host_was_down_runs_at_once_as_past_due()
    {
        using var folder = new TestFolder();
        new TimerStatusStore(folder["timers"]).Write("Ticker", new ScheduleStatus { Last = Noon.UtcDateTime.AddMinutes(-20), Next = Noon.UtcDateTime.AddMinutes(-10) });
        var (probe, time) = (new TimerProbe(), new SteppedTime(Noon.AddSeconds(1)));
        await using var timer = Start<Ticker>(probe, time, folder, "0 */10 * * * *");
        await Eventually.True(() => probe.Runs.Count == 1, "the missed run is made up for");
        Assert.True(probe.Runs[0].PastDue);
        await StepAsync(time, TimeSpan.FromMinutes(10));
        await Eventually.True(() => probe.Runs.Count == 2, "the next run came");
        Assert.False(probe.Runs[1].PastDue);
    }

    [Theory]
    [InlineData("* * * *")]
    [InlineData("61 * * * * *")]
    [InlineData("often")]
    public void A_bad_schedule_is_refused_with_the_function_and_a_remedy(string schedule)
    {
        var error = Assert.Throws<SettingException>(() => TimerSchedule.Parse(schedule, "Ticker"));
        Assert.Contains($"Ticker: '{schedule}'", error.Message, StringComparison.Ordinal);
    }

    private static TimerListener Start<T>(TimerProbe probe, SteppedTime time, TestFolder folder, string schedule)
    {
        probe.Time = time;
        var services = new ServiceCollection().AddLogging().AddSingleton(probe).BuildServiceProvider();
        var function = FunctionCatalog.Find([typeof(T)]).Single();
        var listener = new TimerListener(
            new FunctionRunner(function, services, time), TimerSchedule.Parse(schedule, "test"), (TimerTriggerAttribute)function.Trigger,
            new TimerStatusStore(folder["timers"]), time, NullLogger.Instance);
        listener.Start();
        return listener;
    }

    private static async Task StepAsync(SteppedTime time, TimeSpan by)
    {
        await Eventually.True(() => time.Waiting > 0, "the timer waits");
        time.Advance(by);
    }
}
