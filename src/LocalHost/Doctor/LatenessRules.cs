using System.Globalization;
using Tidemark.Domain.Lateness;
using Tidemark.LocalHost.Cli;

namespace Tidemark.LocalHost.Doctor;

/// <summary>Judges watermark delays by how late events come.</summary>
internal static class LatenessRules
{
    private const double LateToLookAt = 0.001;
    private const long EnoughEvents = 1000;

    public static Finding Judge(LatenessProfile measured, IReadOnlyList<DelayAdvice> advice)
    {
        if (measured.Events < EnoughEvents)
            return Finding.Unknown("delays", Text($"{measured.Events:N0} events are too few to tell how late they come."));
        var none = advice.Where(a => a.Delay == TimeSpan.Zero).Select(a => a.Output).ToList();
        var lag = Text($"99 % of {measured.Events:N0} events come within {WatermarksCommand.Span(measured.QuantileMs(DelayAdvice.Covered))} behind the newest");
        var low = advice.Where(a => a.Verdict == "raise" && a.LateNow > LateToLookAt).OrderByDescending(a => a.LateNow).ToList();
        return low.Count > 0
            ? Finding.Warning("delays", Text($"{lag}; {low[0].Output} with a delay of {WatermarksCommand.Span(low[0].Delay.TotalMilliseconds)} would miss {low[0].LateNow * 100:0.##} %{(low.Count > 1 ? Text($", and {low.Count - 1} more miss too many") : "")}."), Text($"Raise the delay to {WatermarksCommand.Span(low[0].Suggested.TotalMilliseconds)}; ./run watermarks has all of them."))
            : none.Count > 0
                ? Finding.Warning("delays", Text($"{lag}; {none[0]} has no watermark delay."), "Give it one; ./run watermarks suggests which.")
                : Finding.Ok("delays", lag + ", which the delays cover.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
