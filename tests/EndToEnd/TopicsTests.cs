using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Demo;

namespace Tidemark.EndToEnd;

/// <summary>Three topics in one run: readings of devices, and views and purchases that are joined, in disorder, late, twice and with a SIGKILL in between.</summary>
public class TopicsTests
{
    private static readonly string[] Tables =
    [
        "silver/events", "silver/purchases", "silver/sensors", "silver/sensors_late", "gold/sensor_metrics", "gold/sensor_alerts", "gold/view_to_purchase", "gold/view_to_purchase_late",
    ];

    [Fact]
    public async Task Readings_and_a_join_of_two_topics_equal_an_independent_computation_after_a_kill()
    {
        await using var station = new Station();
        var options = ShopFile.Clean with { Seed = 61, OutOfOrderShare = 1, DuplicateShare = 0.02, LateShare = 0.002, Users = 150 };
        var happened = new ShopSimulation(options).Generate(ShopFile.Start, ShopFile.Start.AddHours(1), 6).ToList();
        var (shop, purchases, sensors) = (station.In("shop.ndjson"), station.In("purchases.ndjson"), station.In("sensors.ndjson"));
        Write(shop, happened);
        Write(purchases, happened.Where(e => e.IsPurchase));
        Write(sensors, new SensorSimulation(new SensorOptions { Seed = 62, OutOfOrderShare = 0.5, DuplicateShare = 0.02, ExcursionShare = 0.01, SilenceShare = 0.004, LateShare = 0.01 })
            .Generate(ShopFile.Start, ShopFile.Start.AddHours(1)));
        station.MoveQuickly();
        string[] inputs = ["--input", shop, "--input", $"purchases={purchases}", "--input", $"sensors={sensors}"];
        var killed = station.Start([.. inputs, "--once", "--rate", "4000"]);
        Assert.True(await killed.AnswersAsync(station.Port, TimeSpan.FromMinutes(3)), killed.Transcript());
        await Task.Delay(TimeSpan.FromSeconds(4));
        Assert.False(killed.HasEnded, killed.Transcript());
        killed.Send(Signals.Kill);
        await killed.EndAsync(TimeSpan.FromMinutes(1));

        await station.FinishAsync(inputs);
        await station.ExportOnlyAsync(Tables);
        var counts = await Oracle.CheckTopicsAsync(station, shop, purchases, sensors);
        // Something of everything.
        Assert.All(Tables.Where(t => !t.EndsWith("late", StringComparison.Ordinal)).Concat(["above", "silent"]), name => Assert.True(counts.GetProperty(name).GetInt64() > 0, name));
        var status = JsonDocument.Parse(await station.AskAsync(4, "status", "--json")).RootElement;
        Assert.Equal(JsonValueKind.Null, status.GetProperty("pipeline").ValueKind);
    }

    private static void Write(string path, IEnumerable<DemoEvent> events)
    {
        using var file = File.Create(path);
        foreach (var item in events)
        {
            file.Write(item.Value);
            file.WriteByte((byte)'\n');
        }
    }
}
