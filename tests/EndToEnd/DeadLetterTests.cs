using System.Globalization;
using System.Text.Json;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>Events are sent into a run, some go to quarantine, the cause is mended, and they are sent again: each counts once.</summary>
public class DeadLetterTests
{
    private const int Good = 20, Early = 30;
    private const string Reason = "event_time_in_future";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Quarantined_records_are_listed_and_sent_again_once_after_the_cause_is_mended()
    {
        await using var station = new Station();
        station.MoveQuickly();
        // No shop: the events are those of this test.
        var nothing = station.In("nothing.ndjson");
        await File.WriteAllTextAsync(nothing, "");
        var events = station.In("events.ndjson");
        await File.WriteAllLinesAsync(events, Enumerable.Range(0, Good + Early).Select(i => string.Create(CultureInfo.InvariantCulture,
            $$"""{"event_type":"view","event_id":"e{{i}}","user_id":"user-{{i % 7}}","timestamp":"{{DateTimeOffset.UtcNow.AddHours(i < Good ? 0 : 3):O}}"}""")));

        var run = station.Start("--input", nothing);
        Assert.True(await run.AnswersAsync(station.Port, Limit), run.Transcript());
        Assert.Contains($"\"delivered\":{Good + Early},\"failed\":0", await CommandAsync(station, 0, "produce", events, "--json"), StringComparison.Ordinal);
        // Before the first record was read there is nothing to list, and commands say so.
        await LiveStatus.UntilAsync(run, status => LiveStatus.Count(status, $"quarantined/{Reason}") == Early, Limit);
        await Station.UntilAsync(async () => (await ListAsync(station)).Count == Early, Limit, run.Transcript);
        Assert.All(await ListAsync(station), letter => Assert.Equal((Reason, JsonValueKind.Null), (letter.GetProperty("reason").GetString(), letter.GetProperty("replay").ValueKind)));
        Assert.Empty(await CommandAsync(station, 0, "dlq", "list", "--reason", "invalid_json"));
        Assert.Equal(5, Lines(await CommandAsync(station, 0, "dlq", "list", "--limit", "5", "--reason", Reason)).Length);
        Assert.Contains("--reason", (await CommandAsync(station, 2, "dlq", "replay")), StringComparison.Ordinal);
        Assert.Contains("0/99999", await CommandAsync(station, 1, "dlq", "replay", "--id", "0/99999"), StringComparison.Ordinal);
        run.Send(Signals.Terminate);
        Assert.Equal(0, await run.EndAsync(Limit));

        // Some while nothing runs, the others beside a run, by two at once.
        Assert.Contains("10 sent, 0 sent before, 0 not sent", await CommandAsync(station, 0, "dlq", "replay", "--reason", Reason, "--limit", "10"), StringComparison.Ordinal);
        Assert.Empty(Signals.WorkingIn(station.Folder));
        station.Set("MaxFutureSkew", "1d");
        run = station.Start("--input", nothing);
        Assert.True(await run.AnswersAsync(station.Port, Limit), run.Transcript());
        var both = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => CommandAsync(station, 0, "dlq", "replay", "--reason", Reason)));
        Assert.Equal(Early - 10, both.Sum(output => Lines(output).Count(line => line.Contains("  sent: ", StringComparison.Ordinal))));
        Assert.Contains("0 sent, 0 sent before, 0 not sent", await CommandAsync(station, 0, "dlq", "replay", "--reason", Reason), StringComparison.Ordinal);

        await Station.UntilAsync(async () => (await KafkaResultsTests.ShowAsync(station, "silver/events")).Count == Good + Early, Limit, run.Transcript);
        var ids = (await KafkaResultsTests.ShowAsync(station, "silver/events")).Select(row => row.GetProperty("event_id").GetString());
        Assert.Equal(Enumerable.Range(0, Good + Early).Select(i => $"e{i}").Order(StringComparer.Ordinal), ids.Order(StringComparer.Ordinal));
        // Not only events once: records once.
        Assert.Equal(Good + Early + Early, (await KafkaResultsTests.ShowAsync(station, "bronze/events")).Count);
        Assert.All(await ListAsync(station), letter => Assert.True(letter.GetProperty("replay").GetProperty("sent_as").GetInt64() >= 0));
        run.Send(Signals.Terminate);
        Assert.Equal(0, await run.EndAsync(Limit));
    }

    private static async Task<IReadOnlyList<JsonElement>> ListAsync(Station station) =>
        [.. Lines(await CommandAsync(station, 0, "dlq", "list", "--json", "--limit", "1000")).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What the command printed.</summary>
    private static async Task<string> CommandAsync(Station station, int code, params string[] arguments)
    {
        var run = station.StartBare([.. arguments, "--data", station.Data]);
        Assert.True(await run.EndAsync(Limit) == code, run.Transcript());
        return run.Output + (code == 0 ? "" : run.Errors);
    }
}
