using System.Globalization;
using System.Text;

namespace Tidemark.LocalHost.Demo;

/// <summary>
/// Simulated devices as a source of Kafka records: temperature and humidity of rooms, which now and then leave their bounds, and devices that fall silent
/// for a while. Stated shares come late, out of order, twice or broken (<see cref="SensorOptions"/>). Deterministic, as <see cref="ShopSimulation"/> is.
/// </summary>
public sealed class SensorSimulation
{
    /// <summary>How long a record that nothing delays is on its way to the broker.</summary>
    public const long TransitMs = 100;

    private static readonly (string Name, string Unit, double Usual, double Swing, double Beyond)[] Kinds =
        [("temperature", "°C", 22, 4, 24), ("humidity", "%", 50, 10, 47)];

    private readonly SensorOptions _options;

    /// <summary>Takes the options; throws <see cref="ArgumentException"/> when one is out of range.</summary>
    public SensorSimulation(SensorOptions options)
    {
        options.Validate();
        _options = options;
    }

    /// <summary>
    /// All records of readings taken in [<paramref name="start"/>, <paramref name="end"/>), in order of arrival. Those still on their way at the end follow.
    /// </summary>
    public IEnumerable<DemoEvent> Generate(DateTimeOffset start, DateTimeOffset end)
    {
        var random = new SeededRandom(_options.Seed);
        var devices = Enumerable.Range(1, _options.Devices).Select(number => new Device(number, random)).ToArray();
        var delayed = new DelayedDeliveries();
        var (interval, endMs) = (_options.Interval.TotalMilliseconds, end.ToUnixTimeMilliseconds());
        for (var round = 0L; ; round++)
        {
            for (var i = 0; i < devices.Length; i++)
            {
                // Devices report one after the other, each at its own moment of the interval.
                var now = start.ToUnixTimeMilliseconds() + (long)((round + ((double)i / devices.Length)) * interval);
                if (now >= endMs)
                {
                    while (delayed.TryReceive(long.MaxValue, out var last))
                        yield return last;
                    yield break;
                }

                while (delayed.TryReceive(now + TransitMs, out var arrived))
                    yield return arrived;
                if (!devices[i].Speaks(now, random, _options))
                    continue;
                for (var kind = 0; kind < Kinds.Length; kind++)
                    if (Send(devices[i], kind, now, random, delayed) is { } direct)
                        yield return direct;
            }
        }
    }

    /// <summary>Makes a record; null when it was sent the slow way.</summary>
    private DemoEvent? Send(Device device, int kind, long now, SeededRandom random, DelayedDeliveries delayed)
    {
        var isBroken = random.Chance(_options.BrokenShare);
        var made = new DemoEvent(device.Key, Encoding.UTF8.GetBytes(isBroken ? Broken(device, kind, now, random) : Reading(device, kind, now, random)), now + TransitMs);
        if (random.Chance(_options.DuplicateShare))
            delayed.Send(made with { TimestampMs = made.TimestampMs + UpTo(_options.DisorderBound, random) });
        var delay = random.Chance(_options.LateShare) ? (long)_options.LateBy.TotalMilliseconds + UpTo(_options.LateBy, random)
            : random.Chance(_options.OutOfOrderShare) ? UpTo(_options.DisorderBound, random) : 0;
        if (delay == 0)
            return made;
        delayed.Send(made with { TimestampMs = made.TimestampMs + delay });
        return null;
    }

    private static string Reading(Device device, int kind, long now, SeededRandom random)
    {
        var (name, unit, usual, swing, beyond) = Kinds[kind];
        var value = usual + (swing * Math.Sin(now / 3.6e6 + device.Number)) + random.Fraction() - 0.5 + (device.Excursion == kind ? beyond : 0);
        return string.Create(CultureInfo.InvariantCulture, $"{{\"device_id\":\"{device.Name}\",\"metric\":\"{name}\",\"value\":{value:0.00},\"unit\":\"{unit}\",\"ts\":{now}}}");
    }

    private static string Broken(Device device, int kind, long now, SeededRandom random) => random.Below(4) switch
    {
        0 => $"{{\"device_id\":\"{device.Name}\",\"metric\":\"{Kinds[kind].Name}\",\"val",
        1 => string.Create(CultureInfo.InvariantCulture, $"{{\"device_id\":\"{device.Name}\",\"metric\":\"{Kinds[kind].Name}\",\"value\":\"n/a\",\"ts\":{now}}}"),
        2 => string.Create(CultureInfo.InvariantCulture, $"{{\"device_id\":\"{device.Name}\",\"value\":1.5,\"ts\":{now}}}"),
        _ => $"{{\"device_id\":\"{device.Name}\",\"metric\":\"{Kinds[kind].Name}\",\"value\":1.5}}",
    };

    private static long UpTo(TimeSpan bound, SeededRandom random) => random.Below((long)bound.TotalMilliseconds + 1);

    /// <summary>One device: whether it speaks, and which metric of it is beyond its bounds.</summary>
    private sealed class Device(int number, SeededRandom random)
    {
        private readonly double _phase = random.Fraction();
        private long _silentUntil;
        private int _left;

        public double Number => number + _phase;

        public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"dev-{number:00}");

        public byte[] Key { get; } = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"dev-{number:00}"));

        /// <summary>The metric that runs beyond its bounds; −1 = none.</summary>
        public int Excursion { get; private set; } = -1;

        public bool Speaks(long now, SeededRandom random, SensorOptions options)
        {
            if (now < _silentUntil)
                return false;
            if (random.Chance(options.SilenceShare))
            {
                _silentUntil = now + 720_000 + random.Below(1_680_000L);
                return false;
            }

            if (Excursion >= 0 && --_left == 0)
                Excursion = -1;
            else if (Excursion < 0 && random.Chance(options.ExcursionShare))
                (Excursion, _left) = (random.Below(Kinds.Length), 1 + random.Below(8));
            return true;
        }
    }
}
