namespace Tidemark.LocalHost.Demo;

/// <summary>
/// How the simulated shop behaves. Shares are fractions of all records made, 0 to 1. Two simulations with equal options, start and rate give
/// the same records byte for byte.
/// </summary>
public sealed record DemoOptions
{
    /// <summary>Seed of everything random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Seed of the products and customers alone, for shops that differ in what happens and not in who is there; null = they follow from <see cref="Seed"/>.</summary>
    public long? ShopSeed { get; init; }

    /// <summary>Number of customers, at least 1.</summary>
    public int Users { get; init; } = 5_000;

    /// <summary>Number of products in the catalog, at least 1.</summary>
    public int Products { get; init; } = 400;

    /// <summary>Share of events that arrive after every window they belong to has closed: between <see cref="LateBy"/> and twice that.</summary>
    public double LateShare { get; init; } = 0.002;

    /// <summary>Least delay of a late event; the default is beyond the longest window (1 h) plus its watermark delay (10 min).</summary>
    public TimeSpan LateBy { get; init; } = TimeSpan.FromMinutes(75);

    /// <summary>Share of the events that are not late which arrive out of order, delayed by up to <see cref="DisorderBound"/>.</summary>
    public double OutOfOrderShare { get; init; } = 0.05;

    /// <summary>Greatest delay of an event that is not late. Duplicates keep to it too.</summary>
    public TimeSpan DisorderBound { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Share of events that are delivered a second time, with the same bytes.</summary>
    public double DuplicateShare { get; init; } = 0.01;

    /// <summary>Share of records that cannot become an event: broken JSON, missing ids, wrong types, impossible or far-future times.</summary>
    public double BrokenShare { get; init; } = 0.002;

    /// <summary>
    /// Whether broken records include those that a line of text cannot carry: null values, invalid UTF-8 and values of 1 MB. Off for files.
    /// </summary>
    public bool BinaryBroken { get; init; } = true;

    /// <summary>
    /// Share of ordinary events at which somebody begins to misuse a customer's account: many purchases within seconds, one far beyond what was ever
    /// bought, or one from a country out of reach. Those purchases come on top.
    /// </summary>
    public double MisuseShare { get; init; }

    /// <summary>How many times the usual rate events come in the last two minutes of every hour, at least 1.</summary>
    public double Surge { get; init; } = 1;

    /// <summary>Throws <see cref="ArgumentException"/> naming the first option that is out of its range.</summary>
    public void Validate()
    {
        Share(LateShare, nameof(LateShare));
        Share(OutOfOrderShare, nameof(OutOfOrderShare));
        Share(DuplicateShare, nameof(DuplicateShare));
        Share(BrokenShare, nameof(BrokenShare));
        Share(MisuseShare, nameof(MisuseShare));
        if (!(Surge >= 1 && double.IsFinite(Surge)))
            throw new ArgumentException($"Surge is {Surge}; give a factor of at least 1.");
        if (Users < 1 || Products < 1)
            throw new ArgumentException($"Users is {Users} and Products {Products}; a shop needs at least one of each.");
        if (DisorderBound < TimeSpan.Zero || LateBy < DisorderBound)
            throw new ArgumentException($"DisorderBound is {DisorderBound} and LateBy {LateBy}; they must hold 0 <= DisorderBound <= LateBy.");

        static void Share(double value, string name)
        {
            if (!(value is >= 0 and <= 1))
                throw new ArgumentException($"{name} is {value}; give a fraction between 0 and 1.");
        }
    }
}
