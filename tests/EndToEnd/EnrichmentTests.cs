using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>The product catalog is changed, broken and mended while the program runs.</summary>
public partial class EnrichmentTests
{
    private const string Table = "gold/enriched_clickstream";
    private const int Products = 60;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Every_event_is_joined_once_with_the_catalog_that_its_row_names()
    {
        await using var station = new Station();
        station.MoveQuickly();
        var catalog = station.In("catalog.csv");
        station.Set("Catalog", $"file:{catalog}");
        station.Set("CatalogRefresh", "1s");
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 61, Products = 100, DuplicateShare = 0.02 }, 24_000, 4);
        var run = station.Start("--input", input, "--rate", "800", "--once");
        Assert.True(await run.AnswersAsync(station.Port, Limit), run.Transcript());

        // No catalog yet: reading waits, and says why.
        await UntilAsync(run, status => Alerts(status).Any(text => text.Contains("Reading waits until it is there", StringComparison.Ordinal)));
        Assert.Equal(0, Events(await StatusAsync(run)));
        Write(catalog, 1);
        await UntilAsync(run, status => Events(status) > 1_000);
        File.WriteAllText(catalog, "product_id,price\nP00001,cheap\n");
        await UntilAsync(run, status => Alerts(status).Any(text => text.Contains("'cheap'", StringComparison.Ordinal)));
        Write(catalog, 2);
        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());

        await station.ExportAsync(Table);
        await Oracle.CheckAsync(station, input);
        var rows = await Oracle.RowsAsync(station, Table);
        var silver = (await Oracle.RowsAsync(station, "silver/events")).ToDictionary(Origin);
        Assert.Equal(silver.Keys.Order(), rows.Select(Origin).Order());
        Assert.Equal(2, rows.Select(row => Text(row, "catalog_version")).Distinct().Count());
        foreach (var byVersion in rows.GroupBy(row => Text(row, "catalog_version")))
        {
            // Which of the two it was, its first joined row says; all others must agree with it.
            var revision = byVersion.Select(row => Text(row, "catalog_brand")).First(brand => brand is not null)![^1] - '0';
            Assert.All(byVersion, row => Assert.Equal(Expected(row, revision), Joined(row)));
            Assert.All(byVersion, row => Assert.Equal(Text(silver[Origin(row)], "event_id"), Text(row, "event_id")));
        }
    }

    /// <summary>Sixty products of the shop's hundred; each revision prices and brands them otherwise.</summary>
    private static void Write(string path, int revision)
    {
        var lines = Enumerable.Range(1, Products).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"P{i:D5},\"Thing, number {i}\",Brand {revision},\"Section {i % 5}\",{i * revision}.25"));
        var next = path + ".next";
        File.WriteAllLines(next, lines.Prepend("product_id,product_name,brand,category,price"));
        File.Move(next, path, overwrite: true);
    }

    private static (string?, string?, string?, string?, string?) Expected(JsonElement row, int revision) =>
        Text(row, "product_id") is { } id && int.Parse(id[1..], CultureInfo.InvariantCulture) is var product and <= Products
            ? ($"Thing, number {product}", $"Brand {revision}", $"Section {product % 5}", string.Create(CultureInfo.InvariantCulture, $"{product * revision}.2500"), $"section-{product % 5}")
            : (null, null, null, null, "none");

    private static (string?, string?, string?, string?, string?) Joined(JsonElement row) =>
        (Text(row, "catalog_name"), Text(row, "catalog_brand"), Text(row, "catalog_category"), Text(row, "catalog_price"), Text(row, "category_slug"));

    private static string Origin(JsonElement row) => $"{Text(row, "kafka_partition")}/{Text(row, "kafka_offset")}";

    private static string? Text(JsonElement row, string column) =>
        row.GetProperty(column) is { ValueKind: not JsonValueKind.Null } value ? value.ToString() : null;

    private static long Events(JsonElement? status) => status?.GetProperty("counts").TryGetProperty("events", out var count) == true ? count.GetInt64() : 0;

    private static IEnumerable<string> Alerts(JsonElement? status) => status?.GetProperty("alerts").EnumerateArray().Select(a => a.GetProperty("text").GetString()!) ?? [];

    private static Task UntilAsync(Run run, Func<JsonElement?, bool> condition) => Station.UntilAsync(async () =>
    {
        Assert.False(run.HasEnded, run.Transcript());
        return condition(await StatusAsync(run));
    }, Limit, run.Transcript);

    /// <summary>The status, by the address with its key that the program prints.</summary>
    private static async Task<JsonElement?> StatusAsync(Run run)
    {
        if (Address().Match(run.Output) is not { Success: true } address)
            return null;
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("x-functions-key", address.Groups[2].Value);
        return JsonDocument.Parse(await http.GetStringAsync($"{address.Groups[1].Value}api/status")).RootElement;
    }

    [GeneratedRegex(@"(http://localhost:\d+/)#key=(\w+)")]
    private static partial Regex Address();
}
