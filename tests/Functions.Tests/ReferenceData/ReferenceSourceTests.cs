using System.Text;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using Tidemark.Delta;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.ReferenceData;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Tests.Azure;

namespace Tidemark.Functions.Tests.ReferenceData;

[Collection(AzuriteCollection.Name)]
public sealed class ReferenceSourceTests(Azurite azurite)
{
    private const string Csv = "product_id,product_name,brand,category,price\nA,Pan,Acme,Kitchen,12.50\nB,Lamp,,Light,\n";

    private readonly IAlerts _alerts = Substitute.For<IAlerts>();
    private readonly HandTime _time = new();
    private readonly EnrichmentOptions _enrichment = new();

    [Fact]
    public async Task The_same_products_are_the_same_version_from_a_file_a_blob_a_Delta_table_and_Table_storage()
    {
        var expected = ReferenceCsv.Read(ReferenceSchema.Catalog, Encoding.UTF8.GetBytes(Csv)).Version;
        var store = new BlobObjectStore(azurite.NewContainer());
        await store.PutAsync("shop/catalog.csv", Encoding.UTF8.GetBytes(Csv), default);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, Csv);
            foreach (var source in new IReferenceSource[] { new FileReferenceSource(file, ReferenceSchema.Catalog), new BlobReferenceSource(store, "shop/catalog.csv", ReferenceSchema.Catalog), new DeltaReferenceSource(store, await DeltaAsync(store), ReferenceSchema.Catalog), new TableReferenceSource(await TableAsync(), ReferenceSchema.Catalog) })
            {
                var loaded = (await source.ReadAsync(null, default))!;
                Assert.True(expected == loaded.Table.Version, $"{source.Name} has version {loaded.Table.Version}");
                // Unchanged: what can tell does not load it again.
                Assert.Equal(source is TableReferenceSource, await source.ReadAsync(loaded.Mark, default) is not null);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Days_are_the_same_from_CSV_a_Delta_table_and_Table_storage()
    {
        var expected = ReferenceCsv.Read(ReferenceSchema.Customers, "user_id,segment,signup_date,country\nA,gold,2024-02-29,DE\nB,,,\n"u8).Version;
        var store = new BlobObjectStore(azurite.NewContainer());
        var delta = DeltaTable.Open(store, "shop/customers");
        var schema = new TableSchema([
            new TableField("Signup_Date", DataType.Date), new TableField("segment", DataType.String), new TableField("user_id", DataType.String), new TableField("country", DataType.String)]);
        var rows = new RecordBatch(schema, [new Int32Column([19_782, 0], 2, [2]), Text("gold", ""), Text("A", "B"), Text("DE", "")], 2);
        await delta.AppendAsync(new AppendRequest { Schema = schema, Files = [await delta.WriteFileAsync(rows)] });
        var table = await azurite.NewTableAsync();
        await table.AddEntityAsync(new TableEntity("c", "A") { ["Segment"] = "gold", ["SignupDate"] = new DateTimeOffset(2024, 2, 29, 23, 0, 0, TimeSpan.Zero), ["HomeCountry"] = "DE", ["country"] = "FR" });
        await table.AddEntityAsync(new TableEntity("c", "B"));
        foreach (var source in new IReferenceSource[] { new DeltaReferenceSource(store, "shop/customers", ReferenceSchema.Customers), new TableReferenceSource(table, ReferenceSchema.Customers) })
            Assert.Equal((source.Name, expected), (source.Name, (await source.ReadAsync(null, default))!.Table.Version));
    }

    [Fact]
    public async Task Records_that_were_refused_are_told_at_every_look_while_the_rest_is_in_use()
    {
        var source = new Scripted { Complaint = "1 record is no row" };
        using var refresher = New(source, CatalogStart.Wait);
        Assert.True(await refresher.IsReadyAsync(default));
        Assert.Equal(2, _enrichment.Catalog.Current!.Count);
        await _alerts.Received(1).RaiseAsync("reference-refused", "scripted", Arg.Is<string>(t => t.Contains("Of the catalog scripted 1 record is no row")), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_place_without_a_catalog_is_named()
    {
        var store = new BlobObjectStore(azurite.NewContainer());
        foreach (var source in new IReferenceSource[] { new FileReferenceSource("/no/such.csv", ReferenceSchema.Catalog), new BlobReferenceSource(store, "no.csv", ReferenceSchema.Catalog), new DeltaReferenceSource(store, "no/table", ReferenceSchema.Catalog) })
            Assert.Contains(source.Name.Split(':')[1], (await Assert.ThrowsAsync<FileNotFoundException>(() => source.ReadAsync(null, default))).Message);
    }

    [Fact]
    public async Task A_folder_in_the_place_of_a_file_is_called_one()
    {
        var folder = Path.GetTempPath();
        Assert.Equal($"{folder} is a folder; name a CSV file.", (await Assert.ThrowsAsync<FileNotFoundException>(() => new FileReferenceSource(folder, ReferenceSchema.Catalog).ReadAsync(null, default))).Message);
    }

    [Fact]
    public async Task Repeated_keys_are_warned_of_once_until_they_change()
    {
        var source = new Scripted { Csv = Csv + "B,Old,,,\nA,Old,,,\nA,New,,,\n" };
        var (logger, loggers) = (Substitute.For<ILogger>(), Substitute.For<ILoggerFactory>());
        loggers.CreateLogger(Arg.Any<string>()).Returns(logger);
        IEnumerable<string> Warnings() => logger.ReceivedCalls().Select(c => c.GetArguments()).Where(a => a.Length == 5 && a[0] is LogLevel.Warning).Select(a => a[2]!.ToString()!);
        using var refresher = New(source, CatalogStart.Wait, new Logger<ReferenceRefresher>(loggers));
        Assert.Null(await refresher.CheckAsync(default));
        Assert.Null(await refresher.CheckAsync(default));
        Assert.Equal("Rows of the catalog scripted whose product_id came in it before: 3, the first of them of 'B'; the last row of each counts.", Assert.Single(Warnings()));
        var catalog = _enrichment.Catalog.Current!;
        Assert.Equal("New", Encoding.UTF8.GetString(catalog.Text(catalog.Find("A"u8), 0)));
        source.Csv = Csv + "B,Old,,,\n";
        Assert.Null(await refresher.CheckAsync(default));
        Assert.Contains("before: 1, ", Warnings().Last());
        source.Csv = Csv;
        Assert.Null(await refresher.CheckAsync(default));
        Assert.Equal(2, Warnings().Count());
    }

    [Fact]
    public async Task Reading_waits_for_the_first_catalog_and_says_so()
    {
        var source = new Scripted { Fault = "gone" };
        using var refresher = New(source, CatalogStart.Wait);
        Assert.False(await refresher.IsReadyAsync(default));
        Assert.False(await refresher.IsReadyAsync(default));
        Assert.Equal(1, source.Reads);
        await _alerts.Received(1).RaiseAsync("catalog-unavailable", "scripted", Arg.Is<string>(t => t.Contains("gone") && t.Contains("Reading waits")), Arg.Any<CancellationToken>());
        await _alerts.DidNotReceiveWithAnyArgs().WithdrawAsync("", "", default);
        source.Fault = null;
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await refresher.IsReadyAsync(default));
        Assert.NotNull(_enrichment.Catalog.Current);
        await _alerts.Received(1).WithdrawAsync("catalog-unavailable", "scripted", Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Without_waiting_events_go_on_until_the_first_catalog_is_there()
    {
        var source = new Scripted { Fault = "gone" };
        using var refresher = New(source, CatalogStart.Nulls);
        Assert.True(await refresher.IsReadyAsync(default));
        Assert.Null(_enrichment.Catalog.Current);
        source.Fault = null;
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await refresher.IsReadyAsync(default));
        Assert.NotNull(_enrichment.Catalog.Current);
    }

    [Fact]
    public async Task A_catalog_that_changed_is_swapped_and_one_that_broke_leaves_the_last_in_use()
    {
        var source = new Scripted();
        using var refresher = New(source, CatalogStart.Wait);
        Assert.True(await refresher.IsReadyAsync(default));
        var first = _enrichment.Catalog.Current;
        _time.Advance(TimeSpan.FromMinutes(1));
        source.Csv = Csv + "C,Kettle,,,1\n";
        Assert.True(await refresher.IsReadyAsync(default));
        Assert.True(SpinWait.SpinUntil(() => _enrichment.Catalog.Current != first, TimeSpan.FromSeconds(30)));
        var second = _enrichment.Catalog.Current;
        Assert.Equal((2, 3), (first!.Count, second!.Count));
        _time.Advance(TimeSpan.FromMinutes(1));
        source.Csv = "product_id,price\nA,cheap\n";
        Assert.True(await refresher.IsReadyAsync(default));
        Assert.True(SpinWait.SpinUntil(() => _alerts.ReceivedCalls().Any(), TimeSpan.FromSeconds(30)));
        await _alerts.Received(1).RaiseAsync("catalog-unavailable", "scripted", Arg.Is<string>(t => t.Contains("'cheap'") && t.Contains($"Version {second.Version} stays")), Arg.Any<CancellationToken>());
        Assert.Same(second, _enrichment.Catalog.Current);
    }

    private ReferenceRefresher New(IReferenceSource source, CatalogStart start, ILogger<ReferenceRefresher>? logger = null) => new(
        source, _enrichment.Catalog, new ReferenceOptions(ReferenceKind.File, "", TimeSpan.FromMinutes(1), start), _alerts, _time, logger ?? NullLogger<ReferenceRefresher>.Instance);

    private static async Task<string> DeltaAsync(IObjectStore store)
    {
        var table = DeltaTable.Open(store, "shop/products");
        var schema = new TableSchema([
            new TableField("product_id", DataType.String), new TableField("name", DataType.String), new TableField("brand", DataType.String),
            new TableField("category", DataType.String), new TableField("price", DataType.Decimal(10, 2)),
        ]);
        var rows = new RecordBatch(schema, [Text("A", "B"), Text("Pan", "Lamp"), Text("Acme", ""), Text("Kitchen", "Light"), new Int64Column([1250, 0], 2, [2])], 2);
        await table.AppendAsync(new AppendRequest { Schema = schema, Files = [await table.WriteFileAsync(rows)] });
        return "shop/products";
    }

    private static BytesColumn Text(params string[] texts) => new([.. texts.SelectMany(Encoding.UTF8.GetBytes)], [0, texts[0].Length, texts[0].Length + texts[1].Length], 2);

    private async Task<TableClient> TableAsync()
    {
        var table = await azurite.NewTableAsync();
        await table.AddEntityAsync(new TableEntity("p", "A") { ["ProductName"] = "Pan", ["Brand"] = "Acme", ["Category"] = "Kitchen", ["Price"] = 12.5 });
        await table.AddEntityAsync(new TableEntity("p", "2") { ["product_id"] = "B", ["name"] = "Lamp", ["Category"] = "Light" });
        return table;
    }

    private sealed class Scripted : IReferenceSource
    {
        public string Name => "scripted";

        public string? Fault { get; set; }

        public string? Complaint { get; init; }

        public string Csv { get; set; } = ReferenceSourceTests.Csv;

        public int Reads { get; private set; }

        public Task<LoadedReference?> ReadAsync(string? knownMark, CancellationToken cancel)
        {
            Reads++;
            return Fault is { } fault ? throw new IOException(fault) : Task.FromResult<LoadedReference?>(new(ReferenceCsv.Read(ReferenceSchema.Catalog, Encoding.UTF8.GetBytes(Csv)), null));
        }
    }

    private sealed class HandTime : TimeProvider
    {
        private long _now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan by) => _now += by.Ticks;
    }
}
