using System.Globalization;
using Microsoft.Azure.Functions.Worker;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Invocation;

/// <summary>A function's retry attribute, read once. <see cref="MaxRetries"/> −1 = for ever.</summary>
internal sealed class RetryPolicy
{
    private readonly TimeSpan minimum;
    private readonly TimeSpan maximum;

    private RetryPolicy(int maxRetries, TimeSpan minimum, TimeSpan maximum)
    {
        MaxRetries = maxRetries;
        this.minimum = minimum;
        this.maximum = maximum;
    }

    public static RetryPolicy None { get; } = new(0, TimeSpan.Zero, TimeSpan.Zero);

    public int MaxRetries { get; }

    /// <exception cref="SettingException">An interval is no time span or the two are the wrong way round.</exception>
    public static RetryPolicy From(RetryAttribute? attribute, string function)
    {
        var (minimum, maximum) = attribute switch
        {
            FixedDelayRetryAttribute fixedDelay => (Interval(fixedDelay.DelayInterval), Interval(fixedDelay.DelayInterval)),
            ExponentialBackoffRetryAttribute backoff => (Interval(backoff.MinimumInterval), Interval(backoff.MaximumInterval)),
            _ => default,
        };
        if (attribute is null)
            return None;
        if (maximum < minimum || attribute.MaxRetryCount < -1)
            throw new SettingException($"The function {function}: its retry attribute needs minimum ≤ maximum and a count of -1 or more.");
        return new RetryPolicy(attribute.MaxRetryCount, minimum, maximum);

        TimeSpan Interval(string text) => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= TimeSpan.Zero
            ? value
            : throw new SettingException($"The function {function}: '{text}' in its retry attribute is no time span; write hh:mm:ss.");
    }

    /// <summary>Whether the given retry (1 = the first) may be made.</summary>
    public bool Allows(int retry) => MaxRetries < 0 || retry <= MaxRetries;

    /// <summary>How long to wait before the given retry (1 = the first): doubling from minimum to maximum.</summary>
    public TimeSpan Delay(int retry)
    {
        if (minimum == maximum)
            return minimum;
        var factor = Math.Pow(2, Math.Min(retry - 1, 30));
        return TimeSpan.FromTicks((long)Math.Min(maximum.Ticks, Math.Max(minimum.Ticks, 1) * factor));
    }
}
