using System.Globalization;
using System.Text.Json;
using Tidemark.Functions.Status;
using Tidemark.LocalHost.Hosting;
using Tidemark.LocalHost.Reporting;

namespace Tidemark.LocalHost.Cli;

/// <summary>
/// What the pipeline does: on a terminal a few lines that are kept up to date, else a line every few seconds and none while nothing changes.
/// </summary>
internal sealed class RunProgress(Screen screen, PipelineClient client, EmbeddedHost host, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private readonly long began = time.GetTimestamp();
    private static readonly TimeSpan SameAgain = TimeSpan.FromMinutes(1);
    private (string Text, long At)? lastError;
    private string? lastLine;

    /// <summary>Lines of the input read so far; null when there is no input any more.</summary>
    public Func<long>? Lines { get; set; }

    /// <summary>Whether the demo's history is still being produced.</summary>
    public Func<bool>? IsBackfilling { get; set; }

    public void Say(string text) => screen.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time.GetElapsedTime(began).TotalSeconds,7:0.0} s  {text}"));

    /// <summary>Prints until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var last = (Time: time.GetTimestamp(), Events: 0L);
        while (true)
        {
            try
            {
                await Task.Delay(Interval, time, cancel);
                if (screen.IsTerminal)
                {
                    using var overview = await client.OverviewAsync(cancel);
                    if (overview is null)
                        SayBusy();
                    else
                        screen.Draw(LiveStatus.Lines(overview.RootElement, What().Trim(), screen.Width));
                    continue;
                }

                if (await client.StatusAsync(cancel) is not { } status)
                {
                    SayBusy();
                    continue;
                }

                var events = host.KafkaListeners.Sum(k => k.Processed);
                var rate = (events - last.Events) / time.GetElapsedTime(last.Time).TotalSeconds;
                last = (time.GetTimestamp(), events);
                Print(status, events, rate);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or JsonException)
            {
                Say($"the pipeline does not answer: {e.Message}");
            }
        }
    }

    private void SayBusy() => Say($"busy: the pipeline has not answered for {PipelineClient.Patience.TotalSeconds:0} s; it goes on");

    private void Print(StatusReport status, long events, double rate)
    {
        // Several functions may meet the same failure in turn.
        if (status.LastError is { } failure && (failure.Text != lastError?.Text || time.GetElapsedTime(lastError.Value.At) >= SameAgain))
        {
            Say($"{failure.Where} failed and is tried again: {failure.Text}");
            lastError = (failure.Text, time.GetTimestamp());
        }

        var frontier = status.Frontier?.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "-";
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{events,11:N0} events  {rate,9:N0}/s  lag {status.Lag,8:N0}  frontier {frontier}{What()}{(status.Hold ? "  holding back" : "")}");
        if (line != lastLine)
            Say(line);
        lastLine = line;
    }

    private string What() =>
        Lines is { } lines ? string.Create(CultureInfo.InvariantCulture, $"  line {lines():N0}") : IsBackfilling?.Invoke() == true ? "  history" : "";
}
