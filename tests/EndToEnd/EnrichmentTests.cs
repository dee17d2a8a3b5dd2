using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>Catalog, customers and countries are changed, broken and mended while the program runs, and while it is killed.</summary>
public class EnrichmentTests
{
    private const string Table = "gold/enriched_clickstream";
    private const int ProductCount = 60;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Every_event_is_joined_once_with_the_catalog_that_its_row_names()
    {
        await using var station = new Station();
        station.MoveQuickly();
        var catalog = station.In("catalog.csv");
        station.Set("Catalog", $"file:{catalog}");
        var (customers, countries) = (station.In("customers.csv"), station.In("countries.csv"));
        station.Set("Customers", $"file:{customers}");
        station.Set("Countries", $"file:{countries}");
        File.WriteAllText(countries, "country,region,currency,name\nPoland,EMEA,PLN,Polska\nAustria,EMEA,EUR,Österreich\n");
        WriteCustomers(customers, 1);
        station.Set("CatalogRefresh", "1s");
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 61, Products = 100, DuplicateShare = 0.02 }, 14_000, 4);
        var run = station.Start("--input", input, "--rate", "800");
        Assert.True(await run.AnswersAsync(station.Port, Limit), run.Transcript());

        // No catalog yet: reading waits, and says why.
        await UntilAsync(run, status => Alerts(status).Any(text => text.Contains("Reading waits until it is there", StringComparison.Ordinal)));
        Assert.Equal(0, Events(await StatusAsync(run)));
        run.Send(Signals.Terminate);
        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());
        Write(catalog, 1);
        run = station.Start("--input", input, "--rate", "800", "--once");
        await UntilAsync(run, status => Events(status) > 1_000);
        File.WriteAllText(catalog, "product_id,price\nP00001,cheap\n");
        await UntilAsync(run, status => Alerts(status).Any(text => text.Contains("'cheap'", StringComparison.Ordinal)));
        Write(catalog, 2);
        WriteCustomers(customers, 2);
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
        Assert.Equal(2, rows.Select(row => Text(row, "customer_version")).Distinct().Count());
        foreach (var byVersion in rows.GroupBy(row => Text(row, "customer_version")))
        {
            var revision = byVersion.Select(row => Text(row, "customer_segment")).First(segment => segment is not null)![^1] - '0';
            Assert.All(byVersion, row => Assert.Equal(ExpectedCustomer(row, revision), (Text(row, "customer_segment"), Text(row, "customer_signup_date"), Text(row, "customer_home_country"))));
        }
        Assert.Single(rows.Select(row => Text(row, "country_version")).Distinct());
        Assert.All(rows, row => Assert.Equal(
            Text(row, "country") switch { "Poland" => ("Polska", "EMEA", "PLN"), "Austria" => ("Österreich", "EMEA", "EUR"), _ => (null, null, null) },
            (Text(row, "country_name"), Text(row, "country_region"), Text(row, "country_currency"))));
        Assert.Contains(rows, row => Text(row, "country_name") is not null && Text(row, "customer_segment") is not null && Text(row, "catalog_name") is not null);
    }

    [Fact]
    public async Task A_catalog_in_a_compacted_topic_is_followed_and_after_a_kill_read_again()
    {
        const int Records = 9_000;
        using var kafka = new MockKafka("shop-events", partitions: 3);
        kafka.Create("products", partitions: 2);
        await using var station = new Station();
        station.MoveQuickly();
        station.Set("Catalog", "kafka:products");
        station.Set("AzureFunctionsJobHost__extensions__kafka__sessionTimeoutMs", "3000");
        station.Set("CatalogRefresh", "1s");
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 62, Products = 100 }, Records, 3);
        string[] arguments = ["--input", input, "--rate", "400", "--once", "--kafka", kafka.Address];
        await kafka.ProduceAsync(Products(1).Append(Record("P00001", "{\"price\":\"cheap\"}")), "products");
        var run = station.Start(arguments);
        Assert.True(await run.AnswersAsync(station.Port, Limit), run.Transcript());
        await UntilAsync(run, status => Events(status) > 1_000 && Alerts(status).Any(text => text.Contains("of product_id 'P00001' has the price 'cheap'", StringComparison.Ordinal)));
        // Product 2 goes, all others change but the first, whose newest record is the bad one.
        await kafka.ProduceAsync(Products(2).Skip(1).Append(Record("P00002", null)), "products");
        await UntilAsync(run, status => Events(status) > 3_500);
        run.Send(Signals.Kill);
        await run.EndAsync(Limit);
        await kafka.ProduceAsync([Record("P00003", Product(3, 3))], "products");
        run = station.Start(arguments);
        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());

        await station.ExportOnlyAsync("silver/events", Table);
        var rows = (await Oracle.RowsAsync(station, Table)).OrderBy(row => Text(row, "kafka_partition")).ThenBy(row => long.Parse(Text(row, "kafka_offset")!, CultureInfo.InvariantCulture)).ToList();
        Assert.Equal((await Oracle.RowsAsync(station, "silver/events")).Select(Origin).Order(), rows.Select(Origin).Order());
        Assert.Equal(Records, rows.Select(row => Text(row, "event_id")).Distinct().Count());
        var seen = new Dictionary<(string Version, string Product), int>();
        var newest = new Dictionary<(string Partition, string Product), int>();
        foreach (var row in rows.Where(row => Text(row, "product_id") is not null))
        {
            // 0: not in the catalog. One version has one revision of a product, a partition never goes back, and the columns are those of the revision.
            var (product, revision) = (Text(row, "product_id")!, Text(row, "catalog_brand") is { } brand ? brand[^1] - '0' : 0);
            Assert.Equal(revision, seen.TryAdd((Text(row, "catalog_version")!, product), revision) ? revision : seen[(Text(row, "catalog_version")!, product)]);
            var before = newest.GetValueOrDefault((Text(row, "kafka_partition")!, product));
            Assert.True(revision >= before || product == "P00002", $"{product} went from revision {before} to {revision}.");
            newest[(Text(row, "kafka_partition")!, product)] = revision;
            Assert.Equal(Expected(row, revision), Joined(row));
        }
        int[] Revisions(Func<string, bool> product) =>
            [.. rows.Where(row => Text(row, "product_id") is { } id && product(id)).Select(row => Text(row, "catalog_brand") is { } brand ? brand[^1] - '0' : 0).Distinct().Order()];
        Assert.Equal([1], Revisions(id => id == "P00001"));
        Assert.Equal([0, 1], Revisions(id => id == "P00002"));
        Assert.Equal([0, 1, 2, 3], Revisions(_ => true));
    }

    /// <summary>Sixty products of the shop's hundred; each revision prices and brands them otherwise.</summary>
    private static void Write(string path, int revision)
    {
        var lines = Enumerable.Range(1, ProductCount).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"P{i:D5},\"Thing, number {i}\",Brand {revision},\"Section {i % 5}\",{i * revision}.25"));
        var next = path + ".next";
        File.WriteAllLines(next, lines.Prepend("product_id,product_name,brand,category,price"));
        File.Move(next, path, overwrite: true);
    }

    /// <summary>Customers whose number is not divisible by three.</summary>
    private static void WriteCustomers(string path, int revision)
    {
        var lines = Enumerable.Range(1, 1_000).Where(i => i % 3 > 0).Select(i => string.Create(CultureInfo.InvariantCulture, $"u{i:D6},Segment {i % 4} {revision},2024-01-{1 + i % 28:D2},C{i % 7}"));
        var next = path + ".next";
        File.WriteAllLines(next, lines.Prepend("user_id,segment,signup_date,country"));
        File.Move(next, path, overwrite: true);
    }

    private static (string?, string?, string?) ExpectedCustomer(JsonElement row, int revision) =>
        int.Parse(Text(row, "user_id")![1..], CultureInfo.InvariantCulture) is var user && user % 3 > 0
            ? ($"Segment {user % 4} {revision}", string.Create(CultureInfo.InvariantCulture, $"2024-01-{1 + user % 28:D2}"), $"C{user % 7}")
            : (null, null, null);

    private static IEnumerable<(byte[]? Key, byte[]? Value)> Products(int revision) => Enumerable.Range(1, ProductCount).Select(i => Record($"P{i:D5}", Product(i, revision)));

    private static string Product(int product, int revision) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"name":"Thing, number {{product}}","brand":"Brand {{revision}}","category":"Section {{product % 5}}","price":{{product * revision}}.25}""");

    private static (byte[]? Key, byte[]? Value) Record(string key, string? value) => (Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));

    private static (string?, string?, string?, string?, string?) Expected(JsonElement row, int revision) =>
        Text(row, "product_id") is { } id && int.Parse(id[1..], CultureInfo.InvariantCulture) is var product and <= ProductCount && revision > 0
            ? ($"Thing, number {product}", $"Brand {revision}", $"Section {product % 5}", string.Create(CultureInfo.InvariantCulture, $"{product * revision}.2500"), $"section-{product % 5}")
            : (null, null, null, null, "none");

    private static (string?, string?, string?, string?, string?) Joined(JsonElement row) =>
        (Text(row, "catalog_name"), Text(row, "catalog_brand"), Text(row, "catalog_category"), Text(row, "catalog_price"), Text(row, "category_slug"));

    private static string Origin(JsonElement row) => $"{Text(row, "kafka_partition")}/{Text(row, "kafka_offset")}";

    private static string? Text(JsonElement row, string column) =>
        row.GetProperty(column) is { ValueKind: not JsonValueKind.Null } value ? value.ToString() : null;

    private static long Events(JsonElement? status) => LiveStatus.Count(status, "events");

    private static IEnumerable<string> Alerts(JsonElement? status) => LiveStatus.Alerts(status);

    private static Task<JsonElement?> StatusAsync(Run run) => LiveStatus.OfAsync(run);

    private static Task UntilAsync(Run run, Func<JsonElement?, bool> condition) => LiveStatus.UntilAsync(run, condition, Limit);
}
