namespace Tidemark.Functions.Status;

/// <summary>Bounds of the alert rules.</summary>
public sealed record AlertOptions
{
    /// <summary>Records that may wait in Kafka.</summary>
    public long Lag { get; init; } = 100_000;

    /// <summary>Share of records that may be put in quarantine, over five minutes.</summary>
    public double QuarantineShare { get; init; } = 0.05;

    /// <summary>How long nothing may come from Kafka.</summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long event time may stand still while events come.</summary>
    public TimeSpan HeldAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long an entity may have work without moving.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Time between two ticks.</summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Duration of a tick or a checkpoint that is too long.</summary>
    public TimeSpan TickLimit { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Records processed for each that came, at least.</summary>
    public double LeastRatio { get; init; } = 0.8;

    /// <summary>Bytes of state that an entity may have: beyond this, writing it at every checkpoint takes long.</summary>
    public long StateBytes { get; init; } = 48L << 20;

    /// <summary>Small files that a table may have.</summary>
    public long SmallFiles { get; init; } = 2_000;

    /// <summary>Whether the input has an end and is read as fast as it goes: then it tells nothing that more waits than is processed and that ticks follow each other.</summary>
    public bool IsBounded { get; init; }

    /// <summary>
    /// The time between two occurrences of a schedule, as far as its first fields tell: a time span, or NCRONTAB whose seconds are <c>*</c> or <c>*/n</c>;
    /// a minute otherwise.
    /// </summary>
    public static TimeSpan IntervalOf(string schedule)
    {
        if (TimeSpan.TryParse(schedule, System.Globalization.CultureInfo.InvariantCulture, out var span) && span > TimeSpan.Zero)
            return span;
        var seconds = schedule.Trim().Split(' ')[0];
        return seconds == "*" ? TimeSpan.FromSeconds(1)
            : seconds.StartsWith("*/", StringComparison.Ordinal) && int.TryParse(seconds.AsSpan(2), out var every) && every is > 0 and < 60 ? TimeSpan.FromSeconds(every)
            : TimeSpan.FromMinutes(1);
    }
}
