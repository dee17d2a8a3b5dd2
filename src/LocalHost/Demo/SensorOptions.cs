namespace Tidemark.LocalHost.Demo;

/// <summary>
/// How the simulated devices behave. Shares are fractions of all readings, 0 to 1. Equal options and start give the same records byte for byte.
/// </summary>
public sealed record SensorOptions
{
    /// <summary>Seed of everything random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Number of devices, at least 1.</summary>
    public int Devices { get; init; } = 12;

    /// <summary>Time between two reports of a device, each a reading of every metric.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Share of reports at which a device begins to run beyond its bounds, for up to eight reports.</summary>
    public double ExcursionShare { get; init; } = 0.002;

    /// <summary>Share of reports at which a device falls silent, for 12 to 40 minutes.</summary>
    public double SilenceShare { get; init; } = 0.0015;

    /// <summary>Share of readings that arrive between <see cref="LateBy"/> and twice that late.</summary>
    public double LateShare { get; init; } = 0.002;

    /// <summary>Least delay of a late reading.</summary>
    public TimeSpan LateBy { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Share of the readings that are not late which are delayed by up to <see cref="DisorderBound"/>.</summary>
    public double OutOfOrderShare { get; init; } = 0.05;

    /// <summary>Greatest delay of a reading that is not late.</summary>
    public TimeSpan DisorderBound { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Share of readings that are delivered a second time, with the same bytes.</summary>
    public double DuplicateShare { get; init; } = 0.005;

    /// <summary>Share of records that cannot become a reading.</summary>
    public double BrokenShare { get; init; } = 0.002;

    /// <summary>Throws <see cref="ArgumentException"/> naming the first option that is out of its range.</summary>
    public void Validate()
    {
        foreach (var (name, share) in new[]
        {
            (nameof(ExcursionShare), ExcursionShare), (nameof(SilenceShare), SilenceShare), (nameof(LateShare), LateShare),
            (nameof(OutOfOrderShare), OutOfOrderShare), (nameof(DuplicateShare), DuplicateShare), (nameof(BrokenShare), BrokenShare),
        })
        {
            if (!(share is >= 0 and <= 1))
                throw new ArgumentException($"{name} is {share}; give a fraction between 0 and 1.");
        }

        if (Devices < 1 || Interval < TimeSpan.FromMilliseconds(1))
            throw new ArgumentException($"Devices is {Devices} and Interval {Interval}; give at least one device and a millisecond.");
        if (DisorderBound < TimeSpan.Zero || LateBy < DisorderBound)
            throw new ArgumentException($"DisorderBound is {DisorderBound} and LateBy {LateBy}; they must hold 0 <= DisorderBound <= LateBy.");
    }
}
