using System.Globalization;
using System.Text;

namespace Tidemark.LocalHost.Demo;

/// <summary>Which program of the shop sends the events: each has its own form of the same fields.</summary>
internal enum Client
{
    /// <summary>event_type, timestamp (ISO 8601, Z), revenue.</summary>
    Web,

    /// <summary>action, ts (epoch milliseconds), amount.</summary>
    App,

    /// <summary>event_type, _event_time (ISO 8601 with an offset), amount.</summary>
    Partner,

    /// <summary>action, timestamp (ISO 8601 without zone, UTC), revenue.</summary>
    Kiosk,
}

/// <summary>A customer of the shop. Country and device are null for the few who share neither.</summary>
internal sealed record Customer(string Id, byte[] Key, string? Country, string? Device, Client Client)
{
    private static readonly string[] Countries =
    [
        "United Kingdom", "Germany", "France", "Netherlands", "Spain", "Italy", "Poland", "United States", "Sweden", "Austria", "Côte d'Ivoire", "Japan",
    ];

    private static readonly string[] Devices = ["mobile", "desktop", "tablet"];

    public static Customer[] Many(SeededRandom random, int count)
    {
        var customers = new Customer[count];
        for (var i = 0; i < count; i++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"u{i + 1:D6}");
            var country = random.Chance(0.03) ? null : Countries[random.Skewed(Countries.Length)];
            var device = random.Chance(0.05) ? null : Devices[random.Skewed(Devices.Length)];
            var client = random.Fraction() switch { < 0.80 => Client.Web, < 0.90 => Client.App, < 0.95 => Client.Partner, _ => Client.Kiosk };
            customers[i] = new Customer(id, Encoding.UTF8.GetBytes(id), country, device, client);
        }
        return customers;
    }
}
