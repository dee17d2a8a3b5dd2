using System.Globalization;

namespace Tidemark.LocalHost.Demo;

/// <summary>
/// A simulated web shop as a source of Kafka records: customers with countries and devices visit, look, fill carts and buy; the rate follows
/// the hours of a day (UTC). Stated shares of the records come late, out of order, twice or broken (<see cref="DemoOptions"/>).
/// <para>Deterministic: the options, start and rate alone decide every byte. Streams are independent of one another; each may be enumerated once
/// at a time.</para>
/// </summary>
public sealed class ShopSimulation
{
    /// <summary>How long a record that nothing delays is on its way to the broker.</summary>
    public const long TransitMs = 100;

    /// <summary>Mean time between two actions of one visitor.</summary>
    private const double ThinkSeconds = 12;

    // Share of a day's traffic per hour against the mean of the day: quiet nights, a peak in the evening. The mean is 1.
    private static readonly double[] Hours =
        [0.45, 0.30, 0.22, 0.20, 0.22, 0.35, 0.55, 0.80, 1.00, 1.10, 1.15, 1.25, 1.35, 1.25, 1.15, 1.10, 1.15, 1.25, 1.45, 1.70, 1.85, 1.70, 1.46, 1.00];

    // When the rate surges: from this moment of an hour to its end.
    private const long HourMs = 3_600_000, SurgeFromMs = HourMs - 120_000;

    // Mixed into the seed for what is drawn apart.
    private const long MisuseSeed = 0x6D_6973_7573_65;

    private readonly DemoOptions _options;

    /// <summary>Takes the options; throws <see cref="ArgumentException"/> when one is out of range.</summary>
    public ShopSimulation(DemoOptions options)
    {
        options.Validate();
        _options = options;
    }

    /// <summary>
    /// All records whose events happen in [<paramref name="start"/>, <paramref name="end"/>), in order of arrival. Those still on their way at the
    /// end follow, so arrival can lie beyond <paramref name="end"/>; with a far end the stream goes on forever.
    /// </summary>
    /// <param name="start">First event time; the same start is needed for the same records.</param>
    /// <param name="end">End of event times, exclusive.</param>
    /// <param name="eventsPerSecond">Mean rate over a day, more than 0.</param>
    public IEnumerable<DemoEvent> Generate(DateTimeOffset start, DateTimeOffset end, double eventsPerSecond) =>
        Generate(start, end, eventsPerSecond, long.MaxValue);

    /// <summary>
    /// Writes exactly <paramref name="records"/> records as lines (value only, the arrival order kept); returns the time of the last arrival.
    /// Values that a line cannot carry must be switched off (<see cref="DemoOptions.BinaryBroken"/>).
    /// </summary>
    public DateTimeOffset WriteNdjson(Stream output, DateTimeOffset start, double eventsPerSecond, long records, CancellationToken cancel = default)
    {
        if (_options.BinaryBroken)
            throw new ArgumentException("BinaryBroken is on, but lines of text cannot carry null values or invalid UTF-8; switch it off for files.");
        var last = start.ToUnixTimeMilliseconds();
        foreach (var item in Generate(start, DateTimeOffset.MaxValue, eventsPerSecond, records))
        {
            cancel.ThrowIfCancellationRequested();
            output.Write(item.Value);
            output.WriteByte((byte)'\n');
            last = item.TimestampMs;
        }
        return DateTimeOffset.FromUnixTimeMilliseconds(last);
    }

    private IEnumerable<DemoEvent> Generate(DateTimeOffset start, DateTimeOffset end, double eventsPerSecond, long records)
    {
        if (!(eventsPerSecond > 0 && double.IsFinite(eventsPerSecond)))
            throw new ArgumentOutOfRangeException(nameof(eventsPerSecond), eventsPerSecond, "The rate must be more than 0 events a second.");
        return new Run(_options, start.ToUnixTimeMilliseconds(), end.ToUnixTimeMilliseconds(), eventsPerSecond, records).Records();
    }

    /// <summary>One stream: the state of the shop while it is enumerated.</summary>
    private sealed class Run
    {
        private readonly DemoOptions _options;
        private readonly SeededRandom _random;
        private readonly ShopCatalog _catalog;
        private readonly Customer[] _customers;
        private readonly ShoppingSession[] _sessions;
        private readonly ShopEventJson _json = new();
        private readonly BrokenEvents _broken;
        private readonly Misuse _misuse;
        private readonly DelayedDeliveries _delayed = new();
        private readonly long _endMs;
        private readonly double _gapMs;
        private readonly string _prefix;
        private double _clockMs;
        private long _left, _numberOfSessions, _numberOfEvents;

        public Run(DemoOptions options, long startMs, long endMs, double eventsPerSecond, long records)
        {
            _options = options;
            _random = new SeededRandom(options.Seed);
            var shop = options.ShopSeed is { } seed ? new SeededRandom(seed) : _random;
            _catalog = new ShopCatalog(shop, options.Products);
            _customers = Customer.Many(shop, options.Users);
            _sessions = new ShoppingSession[(int)Math.Clamp(eventsPerSecond * ThinkSeconds, 4, 100_000)];
            for (var i = 0; i < _sessions.Length; i++)
                _sessions[i] = new ShoppingSession();
            _broken = new BrokenEvents(_json, _random, options.BinaryBroken);
            _misuse = new Misuse(new SeededRandom(options.Seed ^ MisuseSeed), _catalog, _customers, options.MisuseShare);
            (_clockMs, _endMs, _gapMs, _left) = (startMs, endMs, 1000 / eventsPerSecond, records);
            // Streams that differ in seed or start never share an event id.
            _prefix = string.Create(CultureInfo.InvariantCulture, $"{options.Seed:x}-{startMs / 1000:x}-");
        }

        public IEnumerable<DemoEvent> Records()
        {
            while (_left > 0 && MoveClock())
            {
                var now = (long)_clockMs;
                foreach (var item in ActionsUntil(now))
                {
                    while (_delayed.TryReceive(item.TimeMs + TransitMs, out var arrived))
                        yield return arrived;
                    if (Make(item) is { } direct)
                        yield return direct;
                }
            }
            while (_delayed.TryReceive(long.MaxValue, out var arrived))
                yield return arrived;
        }

        private bool MoveClock()
        {
            var hour = (int)((long)_clockMs / HourMs % 24);
            var surge = (long)_clockMs % HourMs >= SurgeFromMs ? _options.Surge : 1;
            _clockMs += _gapMs / (Hours[hour] * surge) * _random.Exponential();
            return _clockMs < _endMs;
        }

        /// <summary>What misuse was planned up to now, then the next ordinary action.</summary>
        private IEnumerable<ShopEvent> ActionsUntil(long now)
        {
            while (_left > 0 && _misuse.TryTake(now, out var item))
            {
                item.Id = NextId();
                yield return item;
            }
            if (_left == 0)
                yield break;
            _misuse.MayBegin(now);
            yield return NextAction(now);
        }

        /// <summary>Makes a record; null when it was sent the slow way.</summary>
        private DemoEvent? Make(in ShopEvent item)
        {
            var now = item.TimeMs;
            _left--;
            var isBroken = _random.Chance(_options.BrokenShare);
            var made = new DemoEvent(item.Customer.Key, isBroken ? _broken.Next(item) : _json.Write(item), now + TransitMs) { IsPurchase = item.Action == Actions.Purchase };
            if (isBroken)
                return made;
            if (_left > 0 && _random.Chance(_options.DuplicateShare))
            {
                _left--;
                _delayed.Send(made with { TimestampMs = made.TimestampMs + UpTo(_options.DisorderBound) });
            }
            var delay = Delay();
            if (delay == 0)
                return made;
            _delayed.Send(made with { TimestampMs = made.TimestampMs + delay });
            return null;
        }

        private ShopEvent NextAction(long now)
        {
            var session = _sessions[_random.Below(_sessions.Length)];
            if (session.Over)
                session.Open(_random, _customers[_random.Skewed(_customers.Length)], ++_numberOfSessions);
            var item = session.Act(_random, _catalog);
            item.Id = NextId();
            item.TimeMs = now;
            return item;
        }

        private string NextId() => string.Create(CultureInfo.InvariantCulture, $"{_prefix}{++_numberOfEvents:x}");

        private long Delay()
        {
            if (_random.Chance(_options.LateShare))
                return (long)_options.LateBy.TotalMilliseconds + UpTo(_options.LateBy);
            return _random.Chance(_options.OutOfOrderShare) ? UpTo(_options.DisorderBound) : 0;
        }

        private long UpTo(TimeSpan bound) => _random.Below((long)bound.TotalMilliseconds + 1);
    }
}
