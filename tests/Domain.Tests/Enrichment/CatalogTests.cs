using System.Text;
using Tidemark.Domain.Enrichment;

namespace Tidemark.Domain.Tests.Enrichment;

public class CatalogTests
{
    [Fact]
    public void Csv_is_read_with_quotes_line_ends_and_columns_in_any_order()
    {
        var catalog = CatalogCsv.Read(Encoding.UTF8.GetBytes(
            "\uFEFFprice,category,ignored,product_id,brand,product_name\r\n12.5,Home & Kitchen,x,A1,Acme,\"Pan, \"\"small\"\"\r\nand red\"\n\n,,y,B2,,\n0.00005,Süßes,,C3,,Drop\n"));
        Assert.Equal(3, catalog.Count);
        Assert.Equal(("Pan, \"small\"\r\nand red", "Acme", "Home & Kitchen", 125_000L, "home-kitchen"), Of(catalog, "A1"));
        Assert.Equal(("", "", "", null, "none"), Of(catalog, "B2"));
        Assert.Equal(("Drop", "", "Süßes", 1L, "s-es"), Of(catalog, "C3"));
        Assert.Equal(-1, catalog.Find("a1"u8));
    }

    [Theory]
    [InlineData("", "needs a header line")]
    [InlineData("id,name\n1,2\n", "no column product_id")]
    [InlineData("product_id,price\nA,1\nB,x\n", "Line 3 of the catalog has the price 'x'")]
    [InlineData("product_id,price\nA,1,2\n", "Line 2 of the catalog has 3 fields where the header has 2")]
    [InlineData("product_id,price\n,1\n", "Line 2 of the catalog cannot be taken: A product has no product_id.")]
    [InlineData("product_id,price\n\"A,1\n", "Line 2 of the catalog opens a quote that is never closed")]
    [InlineData("product_id,price\n\"A\"x,1\n", "Line 2 of the catalog has text behind a closing quote")]
    [InlineData("product_id,price\nA,100000000000000\n", "does not fit")]
    public void What_is_no_catalog_is_refused_whole_with_the_line(string csv, string says) =>
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => CatalogCsv.Read(Encoding.UTF8.GetBytes(csv))).Message);

    [Fact]
    public void Text_that_is_not_utf8_is_refused() =>
        Assert.Contains("UTF-8", Assert.Throws<InvalidDataException>(() => CatalogCsv.Read([(byte)'a', 0xFF])).Message);

    [Fact]
    public void The_version_follows_from_the_content_and_not_from_its_order()
    {
        var lines = Enumerable.Range(0, 200).Select(i => $"P{i},Name {i % 50},B{i % 7},C{i % 9},{i}.{i % 10}").ToArray();
        string Version(IEnumerable<string> of) => CatalogCsv.Read(Encoding.UTF8.GetBytes("product_id,name,brand,category,price\n" + string.Join('\n', of))).Version;
        var version = Version(lines);
        var random = new Random(3);
        Assert.Equal(version, Version(lines.OrderBy(_ => random.Next())));
        Assert.Equal(version, Version(lines.Prepend("P7,Old,B,C,1")));
        for (var i = 0; i < lines.Length; i++)
            Assert.NotEqual(version, Version(lines.Select((line, at) => at == i ? line.Replace($"B{i % 7}", "B9", StringComparison.Ordinal) : line)));
        Assert.NotEqual(version, Version(lines.Skip(1)));
    }

    [Fact]
    public void However_many_categories_there_are_slugs_stay_few_and_the_largest_have_their_own()
    {
        var builder = new CatalogBuilder();
        for (var category = 0; category < 300; category++)
            for (var i = 0; i <= category; i++)
                builder.Add($"{category}-{i}", null, null, $"Category {category}", null);
        var catalog = builder.Build();
        var slugs = Enumerable.Range(0, catalog.Count).Select(catalog.Slug).Distinct().ToList();
        Assert.Equal(Catalog.MaxSlugs - 1, slugs.Count);
        Assert.Equal("category-299", catalog.Slug(catalog.Find("299-5"u8)));
        Assert.Equal(Catalog.OtherSlug, catalog.Slug(catalog.Find("7-5"u8)));
        Assert.All(slugs, slug => Assert.Matches("^[a-z0-9-]{1,40}$", slug));
    }

    [Fact]
    public void Memory_is_what_is_stated() => Assert.All([100_000, 150_000, 262_144], products => Assert.InRange((double)Make(products).Bytes / products, 80, 150));

    private static Catalog Make(int products)
    {
        var builder = new CatalogBuilder();
        for (var i = 0; i < products; i++)
            builder.Add($"P{i:D8}", $"A name of thirty letters {i % 100_000:D5}", $"Brand {i % 500}", $"Category {i % 90}", i);
        return builder.Build();
    }

    private static (string, string, string, long?, string) Of(Catalog catalog, string id)
    {
        var product = catalog.Find(Encoding.UTF8.GetBytes(id));
        return (Text(catalog.Name(product)), Text(catalog.Brand(product)), Text(catalog.Category(product)), catalog.Price(product), catalog.Slug(product));
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
