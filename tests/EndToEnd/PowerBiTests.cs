using System.Text.Json.Nodes;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Tidemark.EndToEnd.Running;
using Tidemark.Infra.Tests.PowerBi;

namespace Tidemark.EndToEnd;

/// <summary>The model in powerbi/ against what a run has left in storage.</summary>
public class PowerBiTests
{
    [Fact]
    public async Task The_report_finds_every_column_that_a_run_writes_in_its_type()
    {
        await using var station = new Station();
        await using var azurite = new OwnAzurite(station);
        await azurite.StartAsync();
        station.Set(Station.Storage, azurite.ConnectionString);
        var (readings, orders) = (station.In("readings.ndjson"), station.In("orders.ndjson"));
        await File.WriteAllLinesAsync(readings, Enumerable.Range(0, 60).Select(i => $$"""{"device_id":"d{{i % 3}}","metric":"temperature","value":{{(i == 7 ? 55 : 20)}},"ts":{{ShopFile.Start.AddSeconds(i * 10).ToUnixTimeMilliseconds()}}}"""));
        await File.WriteAllLinesAsync(orders, Enumerable.Range(0, 30).Select(i => $$"""{"event_id":"o{{i}}","event_type":"purchase","user_id":"u{{i % 4}}","revenue":{{i}}.5,"ts":{{ShopFile.Start.AddSeconds(i * 10).ToUnixTimeMilliseconds()}}}"""));
        await station.FinishAsync("--input", ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 61 }, 3_000, 3), "--input", $"sensors={readings}", "--input", $"purchases={orders}");

        Assert.Empty(LakeCheck.Problems(PowerBiModel.Committed, await DeltaSchemasAsync(azurite.ConnectionString)));
        foreach (var (_, table) in PowerBiModel.Committed.Tables.Where(t => t.Table.Name.StartsWith("Latest ", StringComparison.Ordinal)))
        {
            var storage = table.Name["Latest ".Length..].Replace(" ", "", StringComparison.Ordinal);
            var properties = await PropertiesAsync(azurite.ConnectionString, storage);
            var columns = table.Of("column").ToDictionary(c => c.Name, c => c.Properties["dataType"]);
            // Table storage leaves nulls out, so a column that is null in every row does not show.
            Assert.All(properties, p => Assert.True(Fits(columns.GetValueOrDefault(p.Key), p.Value), $"{storage}: {p.Key} is {p.Value}, in the model {columns.GetValueOrDefault(p.Key)}"));
            if (storage is "CategoryViews" or "SensorMetrics" or "SensorAlerts" or "OrderFlow")
                Assert.Equal(columns.Keys.Order(), properties.Keys.Order());
        }
    }

    // The newest schema in each table's log, as any reader sees it.
    private static async Task<SortedDictionary<string, Dictionary<string, string>>> DeltaSchemasAsync(string connection)
    {
        var container = new BlobContainerClient(connection, "lake");
        var schemas = new SortedDictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        await foreach (var blob in container.GetBlobsAsync())
        {
            var at = blob.Name.IndexOf("/_delta_log/", StringComparison.Ordinal);
            if (at < 0 || !blob.Name.EndsWith(".json", StringComparison.Ordinal))
                continue;
            var log = (await container.GetBlobClient(blob.Name).DownloadContentAsync()).Value.Content.ToString();
            // Names come in order, so the last one that has a schema stays.
            foreach (var metadata in log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!["metaData"]).OfType<JsonNode>())
                schemas[blob.Name[..at]] = JsonNode.Parse(metadata["schemaString"]!.ToString())!["fields"]!.AsArray().ToDictionary(f => f!["name"]!.ToString(), f => f!["type"]!.ToString());
        }

        return schemas;
    }

    private static async Task<Dictionary<string, Type>> PropertiesAsync(string connection, string table)
    {
        var properties = new Dictionary<string, Type>();
        await foreach (var row in new TableClient(connection, table).QueryAsync<TableEntity>())
            foreach (var (name, value) in row.Where(p => p.Value is not null && p.Key is not ("PartitionKey" or "RowKey" or "Timestamp" or "odata.etag" or "revision")))
                properties[name] = value!.GetType();
        return properties;
    }

    // Decimals lie in Table storage as their digits.
    private static bool Fits(string? dataType, Type property) => dataType switch
    {
        "string" or "decimal" => property == typeof(string),
        "int64" => property == typeof(long) || property == typeof(int),
        "double" => property == typeof(double),
        "boolean" => property == typeof(bool),
        "dateTime" => property == typeof(DateTimeOffset) || property == typeof(DateTime),
        _ => false,
    };
}
