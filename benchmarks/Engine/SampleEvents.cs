using System.Globalization;
using System.Text;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Bench.Engine;

/// <summary>Shop events of about 250 bytes from a seed: times ascend with a little disorder, keys are spread evenly.</summary>
internal static class SampleEvents
{
    private const long Start = 1_705_314_600_000;
    private static readonly string[] Types = ["page_view", "page_view", "page_view", "view", "view", "add_to_cart", "purchase"];
    private static readonly string[] Countries = ["DE", "FR", "GB", "US", "AT", "CH", "NL", "ES", "IT", "PL"];
    private static readonly string[] Devices = ["mobile", "desktop", "tablet"];

    /// <summary>Records in offset order.</summary>
    /// <param name="count">How many.</param>
    /// <param name="users">Different users; categories are a tenth of that up to 20.</param>
    /// <param name="perSecond">Events per second of event time.</param>
    public static SourceRecord[] Make(int count, int users, int perSecond)
    {
        var random = new Random(42);
        var records = new SourceRecord[count];
        for (var i = 0; i < count; i++)
        {
            var time = Start + i * 1000L / perSecond - random.Next(2000);
            records[i] = new SourceRecord(i, time + 500, null, Encoding.UTF8.GetBytes(Json(random, i, time, users)), []);
        }
        return records;
    }

    /// <summary>The first records of a file of JSON lines, as `./run generate` writes it.</summary>
    public static SourceRecord[] Read(string file, int count) =>
        [.. File.ReadLines(file).Take(count).Select((line, i) => new SourceRecord(i, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), null, Encoding.UTF8.GetBytes(line), []))];

    private static string Json(Random random, int i, long time, int users)
    {
        var user = random.Next(users);
        var type = Types[random.Next(Types.Length)];
        var product = random.Next(500);
        var price = (random.Next(100, 20_000) / 100m).ToString(CultureInfo.InvariantCulture);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{{\"event_id\":\"e-{i:D9}\",\"event_type\":\"{type}\",");
        text.Append(CultureInfo.InvariantCulture, $"\"timestamp\":\"{DateTime.UnixEpoch.AddMilliseconds(time):yyyy-MM-ddTHH:mm:ss.fffZ}\",");
        text.Append(CultureInfo.InvariantCulture, $"\"user_id\":\"u-{user}\",\"session_id\":\"s-{user}-{time / 600_000 % 1000}\",");
        text.Append(CultureInfo.InvariantCulture, $"\"product_id\":\"p-{product}\",\"category\":\"category-{product % 20}\",\"price\":{price},");
        if (type == "purchase")
            text.Append(CultureInfo.InvariantCulture, $"\"quantity\":1,\"revenue\":{price},");
        text.Append(CultureInfo.InvariantCulture, $"\"device_type\":\"{Devices[random.Next(3)]}\",\"country\":\"{Countries[random.Next(10)]}\"}}");
        return text.ToString();
    }
}
