using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Demo;

namespace Tidemark.EndToEnd;

/// <summary>The topic of readings beside the main one, through the real program.</summary>
public class SensorTests
{
    private static readonly string[] Tables =
        ["bronze/sensors", "silver/sensors", "silver/sensors_quarantine", "silver/sensors_late", "gold/sensor_metrics", "gold/sensor_alerts"];

    [Fact]
    public async Task Readings_shuffled_repeated_late_and_broken_equal_the_oracle_although_the_host_was_killed()
    {
        await using var station = new Station();
        station.MoveQuickly();
        var input = station.In("sensors.ndjson");
        var options = new SensorOptions
        {
            Seed = 31, Devices = 8, ExcursionShare = 0.01, SilenceShare = 0.003, LateShare = 0.02, OutOfOrderShare = 1, DuplicateShare = 0.03, BrokenShare = 0.02,
        };
        var records = new SensorSimulation(options).Generate(ShopFile.Start, ShopFile.Start.AddHours(3)).ToList();
        var lines = records.ConvertAll(record => Encoding.UTF8.GetString(record.Value!));
        var middle = ShopFile.Start.AddHours(1.5).ToUnixTimeMilliseconds();
        // The simulated devices only ever run too high.
        lines.InsertRange(records.FindIndex(record => record.TimestampMs >= middle), Enumerable.Range(0, 6).Select(i => string.Create(CultureInfo.InvariantCulture,
            $$"""{"device":"cellar","metric":"temperature","value":{{(i == 3 ? 4.5m : -20.25m)}},"ts":{{middle + i}}}""")));
        await File.WriteAllLinesAsync(input, lines);
        string[] arguments = ["--input", $"sensors={input}", "--once", "--partitions", "2", "--rate", "1500"];
        var run = station.Start(arguments);
        Assert.True(await run.AnswersAsync(station.Port, TimeSpan.FromMinutes(2)), run.Transcript());
        await LiveStatus.UntilAsync(run, status => LiveStatus.Count(status, "events", "sensors") > lines.Count / 4, TimeSpan.FromMinutes(1));
        run.Send(Signals.Kill);
        await run.EndAsync(TimeSpan.FromMinutes(1));
        await station.FinishAsync("--input", arguments[1], "--rate", "2500");
        // Whatever was late so far, depending on how the frontier moved: these come when it is beyond all of them.
        var older = station.In("older.ndjson");
        await File.WriteAllLinesAsync(older, lines.Where((_, i) => i % 40 == 0));
        var file = station.In("report.json");
        await station.FinishAsync("--input", $"sensors={older}", "--report", file);

        await station.WithStorageAsync(() => CheckAsync(station, lines.Count, file, input, older));
    }

    private static async Task CheckAsync(Station station, int count, string file, string input, string older)
    {
        var dead = (await station.AskAsync(0, "dlq", "list", "--topic", "sensors", "--json", "--limit", "5000")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var late = await station.AskAsync(0, "late", "list", "--topic", "sensors", "--query", "sensor_alerts", "--limit", "1");
        await station.ExportOnlyAsync(Tables);
        var outcome = await Oracle.CheckSensorsAsync(station, isReopened: false, input, older);
        var rows = outcome.GetProperty("rows");
        Assert.Equal(count + (count + 39) / 40, rows.GetProperty("bronze").GetInt32());
        Assert.All(rows.EnumerateObject(), table => Assert.True(table.Value.GetInt64() > 0, $"{table.Name} is empty, so nothing was compared"));
        Assert.Equal(rows.GetProperty("quarantine").GetInt32(), dead.Length);
        Assert.All(dead, letter => Assert.Contains("\"sensors\"", letter, StringComparison.Ordinal));
        Assert.Contains($"{outcome.GetProperty("late").GetProperty("sensor_alerts")} late events in ", late, StringComparison.Ordinal);
        Assert.Contains("  device_id dev-", late, StringComparison.Ordinal);
        var report = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement;
        Assert.All((JsonElement[])[report, report.GetProperty("topics").GetProperty("sensors")], counted =>
        {
            Assert.Equal(rows.GetProperty("bronze").GetInt32(), counted.GetProperty("events_in").GetInt32());
            Assert.Equal(rows.GetProperty("quarantine").GetInt32(), counted.GetProperty("quarantined").EnumerateObject().Sum(reason => reason.Value.GetInt32()));
            Assert.Equal(outcome.GetProperty("late").GetProperty("sensor_alerts").GetInt32(), counted.GetProperty("late").GetProperty("sensor_alerts").GetInt32());
        });
        Assert.Equal(["above", "below", "silent"], outcome.GetProperty("alerts").EnumerateObject().Select(rule => rule.Name).Order(StringComparer.Ordinal));
        await ReopenAsync(station);
        await station.ExportOnlyAsync(Tables);
        await Oracle.CheckSensorsAsync(station, isReopened: true, input, older);
        Assert.Equal(["sensor_alerts", "sensor_metrics"], outcome.GetProperty("late").EnumerateObject().Select(query => query.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>Late readings get into their windows, each once, and a row that has one is explained by it.</summary>
    private static async Task ReopenAsync(Station station)
    {
        static JsonElement[] Lines(string printed) => [.. printed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        var reopened = Lines(await station.AskAsync(0, "windows", "reopen", "--query", "sensor_metrics", "--json"));
        Assert.Contains(reopened, window => window.GetProperty("outcome").GetString() == "corrected");
        Assert.Empty(await station.AskAsync(0, "windows", "reopen", "--query", "sensor_metrics", "--json"));
        var listed = Lines(await station.AskAsync(0, "late", "list", "--query", "sensor_metrics", "--limit", "1", "--json"));
        Assert.All(listed[..^1], window => Assert.Equal(window.GetProperty("events").GetInt64(), window.GetProperty("merged").GetInt64()));
        var late = listed[^1];
        var (time, fields) = (late.GetProperty("eventTime").GetDateTimeOffset(), late.GetProperty("fields"));
        var explained = JsonDocument.Parse(await station.AskAsync(
            0, "explain", "sensor_metrics", "--window", $"{time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMinute)):O}", "--key", fields.GetProperty("device_id").GetString()!, fields.GetProperty("metric").GetString()!, "--json")).RootElement;
        Assert.True(explained.GetProperty("agrees").GetBoolean(), explained.ToString());
        Assert.Contains(explained.GetProperty("events").EnumerateArray(), e => e.GetProperty("fate").GetString() == "merged" && e.GetProperty("offset").GetInt64() == late.GetProperty("offset").GetInt64());
    }
}
