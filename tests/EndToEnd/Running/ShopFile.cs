using System.Globalization;
using Tidemark.LocalHost.Demo;

namespace Tidemark.EndToEnd.Running;

/// <summary>Input files made by the demo generator.</summary>
internal static class ShopFile
{
    public static readonly DateTimeOffset Start = new(2025, 3, 3, 8, 0, 0, TimeSpan.Zero);

    /// <summary>No late, no broken, no repeated events, in order.</summary>
    public static readonly DemoOptions Clean = new()
    {
        Users = 800, LateShare = 0, OutOfOrderShare = 0, DuplicateShare = 0, BrokenShare = 0, BinaryBroken = false,
    };

    /// <summary>The same, with misused accounts and surges: every rule of the streams has something to find.</summary>
    public static readonly DemoOptions Troubled = Clean with { MisuseShare = 0.002, Surge = 4 };

    /// <summary>Writes the file into the station's folder; returns its path.</summary>
    public static string Write(Station station, string name, DemoOptions options, long records, double eventsPerSecond, DateTimeOffset? start = null)
    {
        var path = station.In(name);
        using var file = File.Create(path);
        new ShopSimulation(options).WriteNdjson(file, start ?? Start, eventsPerSecond, records);
        return path;
    }

    /// <summary>Appends a session that three users in two countries share, a view each every ten seconds, from a time on.</summary>
    public static void AppendSharedSession(string path, DateTimeOffset from)
    {
        var lines = Enumerable.Range(0, 30).Select(i => string.Create(CultureInfo.InvariantCulture,
            $$"""{"event_id":"shared-{{i}}","event_type":"view","timestamp":"{{from.AddSeconds(10 * i):O}}","user_id":"guest-{{i % 3}}","session_id":"shared","country":"{{(i % 3 == 0 ? "DE" : "FR")}}"}"""));
        File.AppendAllLines(path, lines);
    }
}
