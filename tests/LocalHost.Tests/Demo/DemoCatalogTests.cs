using System.Text;
using System.Text.Json;
using Tidemark.Domain.Enrichment;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Demo;

namespace Tidemark.LocalHost.Tests.Demo;

public sealed class DemoCatalogTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
    private readonly string folder = Directory.CreateTempSubdirectory("tidemark-catalog-").FullName;

    private string File => Path.Combine(folder, DemoCatalog.FileName);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Every_demo_sells_the_products_of_the_catalog()
    {
        DemoCatalog.Ensure(File);
        var catalog = ReferenceCsv.Read(ReferenceSchema.Catalog, System.IO.File.ReadAllBytes(File));
        Assert.Equal(DemoCatalog.Shop.Products, catalog.Count);
        foreach (var seed in new[] { 7, 8 })
        {
            var sold = new ShopSimulation(DemoCatalog.Shop with { Seed = seed, BrokenShare = 0 }).Generate(Start, Start.AddMinutes(20), 20)
                .Select(item => JsonDocument.Parse(item.Value!).RootElement).Where(item => item.TryGetProperty("product_id", out _)).ToList();
            Assert.True(sold.Count > 1_000);
            Assert.All(sold, item =>
            {
                var row = catalog.Find(Encoding.UTF8.GetBytes(item.GetProperty("product_id").GetString()!));
                Assert.True(row >= 0, item.ToString());
                Assert.Equal(item.GetProperty("product_name").GetString(), Encoding.UTF8.GetString(catalog.Text(row, 0)));
                Assert.NotEmpty(Encoding.UTF8.GetString(catalog.Text(row, 1)));
            });
        }
    }

    [Fact]
    public void A_resumed_demo_has_the_same_customers()
    {
        // Nobody is at home in another country because the program was started again: it would look like misuse.
        var one = Countries(seed: 7);
        var two = Countries(seed: 8);
        Assert.All(one.Keys.Intersect(two.Keys), user => Assert.Equal(one[user], two[user]));
        Assert.True(one.Keys.Intersect(two.Keys).Count() > 100);
    }

    [Fact]
    public void What_somebody_changed_in_the_catalog_stays()
    {
        System.IO.File.WriteAllText(File, "product_id\nP00001\n");
        DemoCatalog.Ensure(File);
        Assert.Equal("product_id\nP00001\n", System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void Only_the_demo_is_joined_with_its_catalog()
    {
        Assert.Null(RunSettings.Read(new RunOptions { Data = folder })["Catalog"]);
        DemoCatalog.Ensure(File);
        Assert.Equal($"file:{File}", RunSettings.Read(new RunOptions { Data = folder })["Catalog"]);
        Assert.Null(RunSettings.Read(new RunOptions { Data = folder, Inputs = [new("events", "f")] })["Catalog"]);
        Assert.Null(RunSettings.Read(new RunOptions { Data = folder, Kafka = "localhost:9092" })["Catalog"]);
    }

    private static Dictionary<string, string?> Countries(long seed) => new ShopSimulation(DemoCatalog.Shop with { Seed = seed, BrokenShare = 0 }).Generate(Start, Start.AddMinutes(20), 20)
        .Select(item => JsonDocument.Parse(item.Value!).RootElement)
        .GroupBy(item => item.GetProperty("user_id").GetString()!)
        .ToDictionary(user => user.Key, user => user.First().TryGetProperty("country", out var country) ? country.GetString() : null);
}
