using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Tests.Configuration;

public sealed class TidemarkOptionsTests
{
    private static readonly Dictionary<string, string?> Least = new()
    {
        ["BrokerList"] = "localhost:9092",
        ["KafkaTopic"] = "events",
        ["KafkaGroup"] = "tidemark",
        ["TickSchedule"] = "*/2 * * * * *",
        ["MaintainSchedule"] = "0 0 * * * *",
        ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true",
    };

    [Fact]
    public void The_least_settings_are_enough_and_the_rest_has_its_defaults()
    {
        var options = Read();
        Assert.Equal(new PipelineId("v1", "events", 1), options.Id);
        Assert.Equal(SecurityProtocol.Plaintext, options.Kafka.Protocol);
        Assert.Equal((TimeSpan.FromSeconds(30), 256 << 10, "lake"), (options.DeltaInterval, options.InlineSegmentLimit, options.LakeContainer));
        Assert.Equal("AzureWebJobsStorage", options.Tables.Setting);
    }

    [Theory]
    [InlineData("BrokerList", null)]
    [InlineData("BrokerList", "localhost")]
    [InlineData("BrokerList", "a:1,b")]
    [InlineData("KafkaTopic", "")]
    [InlineData("KafkaTopic", "with space")]
    [InlineData("KafkaTopic", "..")]
    [InlineData("KafkaGroup", null)]
    [InlineData("KafkaProtocol", "Https")]
    [InlineData("KafkaProtocol", "1")]
    [InlineData("KafkaMechanism", "Gssapi")]
    [InlineData("KafkaTimeout", "0s")]
    [InlineData("KafkaCaLocation", "/no/such/file.pem")]
    [InlineData("PipelineVersion", "a/b")]
    [InlineData("PipelineVersion", "a-version-that-is-too-long")]
    [InlineData("TopicGeneration", "0")]
    [InlineData("TopicGeneration", "-1")]
    [InlineData("SensorsTopic", "events")]
    [InlineData("SensorsTopic", "a b")]
    [InlineData("SensorsGeneration", "0")]
    [InlineData("PurchasesTopic", "events")]
    [InlineData("PurchasesGeneration", "x")]
    [InlineData("StartFrom", "yesterday")]
    [InlineData("StartFrom", "2026-13-01T00:00:00Z")]
    [InlineData("StartFrom", "0:120,0:4500")]
    [InlineData("StartFrom", "{\"0\":\"120\"}")]
    [InlineData("SensorsStartFrom", "0")]
    [InlineData("QueryTriggers", "event_counts")]
    [InlineData("QueryTriggers", "event_counts=500ms")]
    [InlineData("QueryTriggers", "event_counts=2h")]
    [InlineData("QueryTriggers", "event_counts=10s,event_counts=20s")]
    [InlineData("OnDataLoss", "fail")]
    [InlineData("PurchasesStartFrom", "0:-3")]
    [InlineData("LakeContainer", "Lake")]
    [InlineData("LakeContainer", "a--b")]
    [InlineData("LedgerTable", "1table")]
    [InlineData("TickSchedule", null)]
    [InlineData("TickSchedule", "* * * * *")]
    [InlineData("MaintainSchedule", null)]
    [InlineData("MaintainSchedule", "hourly")]
    [InlineData("DeltaInterval", "thirty")]
    [InlineData("DeltaInterval", "2h")]
    [InlineData("CheckpointInterval", "")]
    [InlineData("IdleTimeout", "100ms")]
    [InlineData("MaxFutureSkew", "25h")]
    [InlineData("DeduplicateWithin", "32d")]
    [InlineData("DeduplicationMaxIds", "99999")]
    [InlineData("SchemaRegistry", "registry:8081")]
    [InlineData("EventCountsTopic", "event counts")]
    [InlineData("AlertsTopic", "events")]
    [InlineData("DeadLetterSuffix", "/dlq")]
    [InlineData("KafkaCompression", "Brotli")]
    [InlineData("Catalog", "catalog.csv")]
    [InlineData("Catalog", "table:a-b")]
    [InlineData("Catalog", "delta:")]
    [InlineData("Catalog", "kafka:a topic")]
    [InlineData("Customers", "customers.csv")]
    [InlineData("Countries", "table:a-b")]
    [InlineData("InlineSegmentLimit", "1MB")]
    [InlineData("InlineSegmentLimit", "-1")]
    [InlineData("MaxRangeRecords", "0")]
    [InlineData("MaxOpenRanges", "many")]
    [InlineData("WatchdogTimeout", "1s")]
    [InlineData("LeaseDuration", "11m")]
    [InlineData("AzureWebJobsStorage", null, "TablesConnection")]
    [InlineData("LakeConnection__blobServiceUri", "not an address")]
    public void A_wrong_value_is_one_sentence_that_names_the_setting_and_the_remedy(string name, string? value, string? named = null)
    {
        if (name == "CheckpointInterval")
        {
            // Empty is the same as not set.
            Assert.Equal(TimeSpan.FromSeconds(15), Read((name, value)).CheckpointInterval);
            return;
        }

        var e = Assert.Throws<InvalidSettingException>(() => Read((name, value)));
        Assert.StartsWith($"Setting {named ?? name} ", e.Message);
        Assert.EndsWith(".", e.Message);
        Assert.Equal(named ?? name, e.Setting);
    }

    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("90s", 90)]
    [InlineData("1.5m", 90)]
    [InlineData("1h", 3600)]
    [InlineData("00:00:05", 5)]
    public void Durations_are_understood_in_several_forms(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Read(("MaxFutureSkew", text)).MaxFutureSkew);

    [Theory]
    [InlineData("file:/data/shop: all.csv", ReferenceKind.File, "/data/shop: all.csv")]
    [InlineData("blob:shop/catalog.csv", ReferenceKind.Blob, "shop/catalog.csv")]
    [InlineData("delta:shop/products", ReferenceKind.Delta, "shop/products")]
    [InlineData("table:Products", ReferenceKind.Table, "Products")]
    [InlineData("kafka:shop.products-v2", ReferenceKind.Kafka, "shop.products-v2")]
    public void A_catalog_is_a_kind_and_a_place(string text, ReferenceKind kind, string place)
    {
        var catalog = Read(("Catalog", text), ("CatalogJoin", "inner"), ("Countries", text));
        var expected = new ReferenceOptions(kind, place, TimeSpan.FromMinutes(1), CatalogStart.Wait);
        Assert.Equal((expected, null, expected), (catalog.Catalog, catalog.Customers, catalog.Countries));
        Assert.Equal(CatalogJoin.Inner, catalog.ToEnrichment()!.Join);
        Assert.Null(Read().ToEnrichment());
        Assert.Equal("CatalogJoin", Assert.Throws<InvalidSettingException>(() => Read(("Customers", text), ("CatalogJoin", "inner"))).Setting);
        Assert.Equal("CatalogStart", Assert.Throws<InvalidSettingException>(() => Read(("Catalog", text), ("CatalogStart", "now"))).Setting);
    }

    [Fact]
    public void A_user_without_password_is_refused_and_both_mean_an_encrypted_sign_in()
    {
        Assert.Equal("KafkaPassword", Assert.Throws<InvalidSettingException>(() => Read(("KafkaUser", "u"))).Setting);
        Assert.Equal("KafkaUser", Assert.Throws<InvalidSettingException>(() => Read(("KafkaPassword", "p"))).Setting);
        Assert.Equal("KafkaUser", Assert.Throws<InvalidSettingException>(() => Read(("KafkaProtocol", "SASL_SSL"))).Setting);
        var kafka = Read(("KafkaUser", "u"), ("KafkaPassword", "s3cret"), ("KafkaMechanism", "Scram-Sha-256")).Kafka;
        Assert.Equal((SecurityProtocol.SaslSsl, SaslMechanism.ScramSha256), (kafka.Protocol, kafka.Mechanism));
        Assert.DoesNotContain("s3cret", kafka.ToString());
    }

    [Theory]
    [InlineData("TablesConnection:tableServiceUri", "https://acc.table.core.windows.net", "https://acc.table.core.windows.net/")]
    [InlineData("TablesConnection__serviceUri", "https://acc.table.core.windows.net", "https://acc.table.core.windows.net/")]
    [InlineData("AzureWebJobsStorage__accountName", "acc", "https://acc.table.core.windows.net/")]
    public void An_identity_needs_only_an_address(string name, string value, string address)
    {
        var tables = Read(("AzureWebJobsStorage", null), (name, value), ("LakeConnection", "UseDevelopmentStorage=true")).Tables;
        Assert.Contains(address, tables.ToString());
        Assert.Equal(new Uri(address), tables.Tables(new global::Azure.Data.Tables.TableClientOptions()).Uri);
    }

    [Theory]
    [InlineData("LakeConnection", "UseDevelopmentStorage=true", true)]
    [InlineData("LakeConnection__blobServiceUri", "https://acc.blob.core.windows.net", true)]
    [InlineData("LakeConnection__accountName", "acc", true)]
    [InlineData("LakeConnection", "", false)]
    [InlineData("LakeConnection__tableServiceUri", "https://acc.table.core.windows.net", false)]
    public void A_connection_is_named_by_a_string_or_an_address_of_its_service(string name, string value, bool isNamed) =>
        Assert.Equal(isNamed, StorageConnection.IsNamed(Configuration((name, value)), "LakeConnection", "blob"));

    [Fact]
    public void Results_lie_with_the_ledger_unless_they_have_an_account_of_their_own()
    {
        Assert.Equal("AzureWebJobsStorage", Read().Results.Setting);
        var ledger = ("TablesConnection__tableServiceUri", "https://ledger.table.core.windows.net");
        Assert.Contains("//ledger.", Read(ledger).Results.ToString());
        var both = Read(ledger, ("ResultsConnection__tableServiceUri", "https://results.table.core.windows.net"));
        Assert.Contains("//results.", both.Results.ToString());
        Assert.Contains("//ledger.", both.Tables.ToString());
    }

    [Fact]
    public void A_broken_connection_string_is_a_wrong_setting_and_its_key_is_not_repeated()
    {
        var services = new ServiceCollection();
        var e = Assert.Throws<InvalidSettingException>(() => services.AddTidemark(Configuration(("LakeConnection", "AccountKey=topsecret"))));
        Assert.Equal("LakeConnection", e.Setting);
        Assert.DoesNotContain("topsecret", e.ToString());
    }

    [Fact]
    public void The_page_on_configuration_lists_every_setting_as_the_code_has_it()
    {
        var page = File.ReadAllLines(Path.Combine(Azure.Azurite.Root(), "docs", "configuration.md"));
        var listed = page.Where(line => line.StartsWith("| `") && !line.StartsWith("| `{name}")).Select(line => line.Trim('|', ' ').Split(" | ")).Where(cells => cells.Length == 4);
        Assert.Equal(
            Settings.All.Select(s => string.Join(" | ", $"`{s.Name}`", s.Default, s.Range, s.Effect)),
            listed.Select(cells => string.Join(" | ", cells.Select(c => c.Trim()))));
    }

    [Fact]
    public void The_sample_settings_are_complete_and_accepted()
    {
        var sample = new ConfigurationBuilder().AddJsonFile(Path.Combine(Azure.Azurite.Root(), "local.settings.sample.json")).Build().GetSection("Values");
        Assert.Equal("events", TidemarkOptions.Read(sample).Kafka.Topic);
    }

    internal static IConfiguration Configuration(params (string Name, string? Value)[] changes)
    {
        var settings = new Dictionary<string, string?>(Least);
        foreach (var (name, value) in changes)
            settings[name] = value;
        return new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
    }

    private static TidemarkOptions Read(params (string Name, string? Value)[] changes) => TidemarkOptions.Read(Configuration(changes));
}
