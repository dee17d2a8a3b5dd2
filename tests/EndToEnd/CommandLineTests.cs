using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Processes;

namespace Tidemark.EndToEnd;

/// <summary>What a user sees who gives a wrong setting, asks for help, or starts twice.</summary>
public class CommandLineTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData("--rate", "--rate", "-5")]
    [InlineData("--rate", "--rate", "fast")]
    [InlineData("--partitions", "--partitions", "0")]
    [InlineData("there is no such file", "--input", "/nowhere/events.ndjson")]
    [InlineData("it is a folder", "--input", "/tmp")]
    [InlineData("there is no topic 'orders'; before the file may stand events= or sensors= or purchases=", "--input", "orders=/nowhere/events.ndjson")]
    [InlineData("--kafka", "--kafka", "no port")]
    [InlineData("--report", "--once", "--report", "/nowhere/report.json")]
    [InlineData("--keep-open", "--keep-open")]
    [InlineData("--again", "--again")]
    [InlineData("--frobnicate", "--frobnicate")]
    public async Task A_wrong_setting_ends_with_code_2_and_one_sentence_that_names_it(string named, params string[] arguments)
    {
        await using var station = new Station();
        var run = station.Start(arguments);
        var code = await run.EndAsync(Limit);
        Assert.True(code == 2, $"Exit code {code}.\n{run.Transcript()}");
        var line = Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(named, line);
        Assert.Empty(Signals.WorkingIn(station.Folder));
    }

    [Fact]
    public async Task A_port_that_is_out_of_range_or_taken_is_named_in_one_sentence()
    {
        await using var station = new Station();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        foreach (var port in (int[])[99_999, ((IPEndPoint)other.LocalEndpoint).Port])
        {
            var run = station.StartBare("--port", $"{port}", "--data", station.Data);
            Assert.Equal(2, await run.EndAsync(Limit));
            var line = Assert.Single((run.Output + run.Errors).Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains($"{port}", line);
            Assert.Contains("--port", line);
        }
    }

    [Fact]
    public async Task A_bounded_run_that_can_never_begin_ends_with_code_2_and_one_sentence_and_begins_when_the_setting_is_changed()
    {
        await using var station = new Station();
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 71 }, 600, 1);
        string[] arguments = ["--input", input, "--once", "--partitions", "2"];
        foreach (var (setting, value, why) in (IEnumerable<(string, string, string)>)
            [
                ("Catalog", "kafka:products", "Topic products is not there"),
                ("StartFrom", "0:5", "names no offset for partition 1"),
                ("StartFrom", "0:5,1:100000", "names offset 100000 of partition 1"),
            ])
        {
            station.Set(setting, value);
            var run = station.Start(arguments);
            Assert.True(await run.EndAsync(Limit) == 2, run.Transcript());
            Assert.Contains(why, Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
            station.Unset(setting);
        }

        // The input is in the topic by now.
        station.Set("StartFrom", "latest");
        Assert.Contains("600 records were passed over in topic events, since StartFrom is latest.", (await station.FinishAsync(arguments)).Output);
    }

    [Fact]
    public async Task Help_names_every_option()
    {
        await using var station = new Station();
        var run = station.StartBare("--help");
        Assert.Equal(0, await run.EndAsync(Limit));
        foreach (var option in (string[])
            ["--input", "--again", "--rate", "--partitions", "--once", "--keep-open", "--data", "--fresh", "--kafka", "--port", "--report", "export", "show", "history", "maintain", "vacuum", "losses", "doctor", "watermarks", "describe", "generate", "produce", "dlq"])
            Assert.Contains(option, run.Output);
        var generate = station.StartBare("generate", "--help");
        Assert.Equal(0, await generate.EndAsync(Limit));
        Assert.Contains("--shuffle", generate.Output);
    }

    [Fact]
    public async Task A_second_start_says_that_one_is_running_and_a_polite_end_leaves_nothing_behind()
    {
        await using var station = new Station();
        var first = station.Start("--rate", "20");
        Assert.True(await first.AnswersAsync(station.Port, TimeSpan.FromMinutes(2)), first.Transcript());
        var second = station.StartBare("--data", station.Data, "--port", $"{FreePorts.Take()}");
        Assert.Equal(3, await second.EndAsync(Limit));
        Assert.Contains(station.Data, Assert.Single(second.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.False(first.HasEnded, first.Transcript());
        await DoctorFindsAllAtWorkAsync(station);

        first.Send(Signals.Terminate);
        Assert.True(await first.EndAsync(TimeSpan.FromMinutes(2)) == 0, first.Transcript());
        Assert.Contains("Stopping: ", first.Output);
        Assert.Empty(Signals.WorkingIn(station.Folder));
    }

    private static async Task DoctorFindsAllAtWorkAsync(Station station)
    {
        Dictionary<string, JsonElement> findings = [];
        string[] further = ["topic of sensors", "lag of sensors", "group of purchases", "delays of sensors", "ticks of purchases", "ticks of joined"];
        // The page answers before the first tick has made container and tables, and until then there is nothing to try them on, nor a topic that is read.
        await Station.UntilAsync(async () =>
        {
            var doctor = station.StartBare("doctor", "--json", "--data", station.Data);
            Assert.True(await doctor.EndAsync(Limit) is 0 or 5, doctor.Transcript());
            findings = JsonDocument.Parse(doctor.Output).RootElement.GetProperty("findings").EnumerateArray().ToDictionary(f => f.GetProperty("check").GetString()!, f => f);
            return findings.ContainsKey("blob conditions") && findings.ContainsKey("table conditions") && further.All(findings.ContainsKey);
        }, Limit, () => string.Join(", ", findings.Values));
        Assert.All((string[])["brokers", "topic", "blob conditions", "table conditions"], check => Assert.Equal("Ok", findings[check].GetProperty("outcome").GetString()));
        Assert.Contains("6 partitions", findings["topic"].GetProperty("text").GetString());
        Assert.Contains("emulator", findings["replication"].GetProperty("text").GetString());
        Assert.DoesNotContain("brokers of sensors", findings.Keys);
        Assert.Contains("purchases has 6 partitions", findings["topic of purchases"].GetProperty("text").GetString());
    }

    [Fact]
    public async Task The_first_signal_says_what_is_being_finished_and_the_second_ends_at_once()
    {
        await using var station = new Station();
        var run = station.Start("--rate", "20");
        Assert.True(await run.AnswersAsync(station.Port, TimeSpan.FromMinutes(2)), run.Transcript());
        // Storage that answers nobody, not even the wish to end, so that the orderly end is under way for as long as it takes.
        var azurite = Signals.WorkingIn(station.Data).Single(p => p.Command.Contains("azurite", StringComparison.Ordinal)).Id;
        Signals.Send(azurite, Signals.Stop);
        run.Send(Signals.Terminate);
        await Station.UntilAsync(() => Task.FromResult(run.Output.Contains("Stopping: ", StringComparison.Ordinal)), Limit, run.Transcript);
        Assert.False(run.HasEnded);
        run.Send(Signals.Terminate);
        Assert.NotEqual(0, await run.EndAsync(TimeSpan.FromSeconds(60)));
        Assert.Contains("Ended at once. ", run.Output);
    }
}
