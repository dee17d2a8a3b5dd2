using System.Text.Json;
using System.Text.RegularExpressions;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>A client that is not ours (tests/EndToEnd/oracle/api.mjs) asks a pipeline while events come.</summary>
public partial class ApiTests
{
    private static readonly string[] Hostile = ["a/b", "%2F", "100%", "o'brien", "q\"uote", "ü😀", "back\\slash", "#?&=+ ", "=1+1", "a|b", "a,b;c"];

    [Fact]
    public async Task What_it_answers_is_what_Delta_holds_and_what_its_document_says()
    {
        await using var station = new Station();
        const int Records = 14_000, Rate = 2;
        var input = ShopFile.Write(
            station, "shop.ndjson", ShopFile.Troubled with { Users = 150, Products = 60, MisuseShare = 0.004 }, Records, Rate, DateTimeOffset.UtcNow.AddSeconds(-Records / Rate - 300));
        MakeHostile(input);
        station.MoveQuickly();
        await using var run = station.Start("--input", input, "--rate", "350", "--partitions", "3");
        Assert.True(await run.AnswersAsync(station.Port, TimeSpan.FromMinutes(2)), run.Transcript());
        var key = "";
        await Station.UntilAsync(() => Task.FromResult((key = Key().Match(run.Output).Groups[1].Value).Length > 0), TimeSpan.FromMinutes(1), run.Transcript);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{station.Port}"), DefaultRequestHeaders = { { "x-functions-key", key } } };
        // Sessions are the last to come.
        await Station.UntilAsync(async () => await CountAsync(http, "user_sessions") >= 60 && await CountAsync(http, "abandoned_views?source=delta") >= 60, TimeSpan.FromMinutes(3), run.Transcript);

        await using var client = Oracle.Api(
            station, "--address", $"http://127.0.0.1:{station.Port}", "--key", key, "--program", Places.Program, "--data", station.Data, "--work", station.In("api"), "--docs",
            Path.Combine(Places.Root, "docs/api.md"));
        var code = await client.EndAsync(TimeSpan.FromMinutes(5));
        Assert.True(code == 0, $"{client.Transcript()}\n{run.Transcript()}");
        Assert.Contains("rows of purchases", client.Output);
        run.Send(Signals.Terminate);
        await run.EndAsync(TimeSpan.FromMinutes(1));
    }

    private static async Task<int> CountAsync(HttpClient http, string query)
    {
        using var answer = await http.GetAsync($"/api/queries/{query}{(query.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit=100");
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync()).RootElement.GetProperty("rows").GetArrayLength() : 0;
    }

    /// <summary>Gives some users, products and categories names that break what is put together from texts.</summary>
    private static void MakeHostile(string path)
    {
        var lines = File.ReadAllLines(path);
        for (var i = 0; i < lines.Length; i++)
            lines[i] = Id().Replace(lines[i], m => m.Groups[2].Value switch
            {
                var user when user.StartsWith('u') && int.Parse(user[1..]) is > 1 and var n && n - 2 < Hostile.Length => $"{m.Groups[1].Value}{JsonSerializer.Serialize(Hostile[n - 2])}",
                var product when product.StartsWith('P') && int.Parse(product[1..]) is > 1 and var n && n - 2 < Hostile.Length => $"{m.Groups[1].Value}{JsonSerializer.Serialize(Hostile[n - 2])}",
                "Books" => $"{m.Groups[1].Value}{JsonSerializer.Serialize("a/b %2F 'x' \"y\"")}",
                _ => m.Value,
            });
        File.WriteAllLines(path, lines);
    }

    [GeneratedRegex("(\"(?:user_id|product_id|category)\":)\"(u\\d+|P\\d+|Books)\"")]
    private static partial Regex Id();

    [GeneratedRegex("#key=([0-9a-f]+)")]
    private static partial Regex Key();
}
