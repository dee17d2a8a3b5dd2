namespace Tidemark.Domain.Lateness;

/// <summary>
/// What watermark delay suits an output. The suggestion is the 99th percentile of the lag and a fifth more, rounded up (to 5 s below two minutes,
/// to a minute below two hours, else to a quarter of an hour), at least 5 s. A delay below it is to be raised where that
/// makes fewer events late; one of more than four times as much only makes results wait.
/// </summary>
/// <param name="Output">The output.</param>
/// <param name="Delay">Its present delay.</param>
/// <param name="LateNow">Share of the events that the present delay makes late, 0 to 1.</param>
/// <param name="Suggested">The delay that the measurement suggests.</param>
/// <param name="LateThen">Share of the events that it would make late.</param>
public sealed record DelayAdvice(string Output, TimeSpan Delay, double LateNow, TimeSpan Suggested, double LateThen)
{
    /// <summary>Share of the lags that the suggestion is made to cover.</summary>
    public const double Covered = 0.99;

    private const int Generous = 4;

    /// <summary><c>raise</c> (fewer events would be late), <c>keep</c>, or <c>may be lowered</c>.</summary>
    public string Verdict => Delay < Suggested ? LateNow > LateThen ? "raise" : "keep" : Delay > Generous * Suggested ? "may be lowered" : "keep";

    /// <summary>Advice for an output from what was measured.</summary>
    public static DelayAdvice For(LateOutput output, LatenessProfile measured)
    {
        var suggested = Suggest(measured.QuantileMs(Covered));
        return new DelayAdvice(
            output.Name, output.Delay, measured.LateShare(output, (long)output.Delay.TotalMilliseconds), suggested, measured.LateShare(output, (long)suggested.TotalMilliseconds));
    }

    /// <summary>The suggestion for a 99th percentile, ms.</summary>
    public static TimeSpan Suggest(long lagMs)
    {
        var wanted = TimeSpan.FromMilliseconds(lagMs * 1.2);
        var step = wanted <= TimeSpan.FromMinutes(2) ? TimeSpan.FromSeconds(5) : wanted <= TimeSpan.FromHours(2) ? TimeSpan.FromMinutes(1) : TimeSpan.FromMinutes(15);
        return step * Math.Max(1, Math.Ceiling(wanted / step));
    }
}
