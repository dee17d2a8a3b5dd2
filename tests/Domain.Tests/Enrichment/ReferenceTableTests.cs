using System.Text;
using Tidemark.Domain.Enrichment;

namespace Tidemark.Domain.Tests.Enrichment;

public class ReferenceTableTests
{
    [Fact]
    public void Csv_is_read_with_quotes_line_ends_and_columns_in_any_order()
    {
        var catalog = ReferenceCsv.Read(ReferenceSchema.Catalog, Encoding.UTF8.GetBytes(
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
    [InlineData("product_id,price\n,1\n", "Line 2 of the catalog has no product_id.")]
    [InlineData("product_id,price\n\"A,1\n", "Line 2 of the catalog opens a quote that is never closed")]
    [InlineData("product_id,price\n\"A\"x,1\n", "Line 2 of the catalog has text behind a closing quote")]
    [InlineData("product_id,price\nA,100000000000000\n", "does not fit")]
    public void What_is_no_catalog_is_refused_whole_with_the_line(string csv, string says) =>
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => ReferenceCsv.Read(ReferenceSchema.Catalog, Encoding.UTF8.GetBytes(csv))).Message);

    [Fact]
    public void Customers_have_a_day_and_countries_their_names()
    {
        var customers = ReferenceCsv.Read(ReferenceSchema.Customers, "segment,user_id,signup_date,home_country\ngold,u1,2024-02-29,DE\n,u2,,\ngold,u3,1969-12-31T23:59:59Z,\n"u8);
        Assert.Equal(new long?[] { 19_782, null, -1 }, new[] { "u1", "u2", "u3" }.Select(id => customers.Number(customers.Find(Encoding.UTF8.GetBytes(id)), 1)));
        var countries = ReferenceCsv.Read(ReferenceSchema.Countries, "country,name,region,currency\nDE,Deutschland,EMEA,EUR\n"u8);
        Assert.Equal(["Deutschland", "EMEA", "EUR"], Enumerable.Range(0, 3).Select(column => Text(countries.Text(countries.Find("DE"u8), column))));
        Assert.Contains("Line 2 of the customer table has the signup_date '29.2.2024', which is no date",
            Assert.Throws<InvalidDataException>(() => ReferenceCsv.Read(ReferenceSchema.Customers, "user_id,signup_date\nu1,29.2.2024\n"u8)).Message);
    }

    [Fact]
    public void Text_that_is_not_utf8_is_refused() =>
        Assert.Contains("UTF-8", Assert.Throws<InvalidDataException>(() => ReferenceCsv.Read(ReferenceSchema.Catalog, [(byte)'a', 0xFF])).Message);

    [Fact]
    public void The_version_follows_from_the_content_and_not_from_its_order()
    {
        var lines = Enumerable.Range(0, 200).Select(i => $"P{i},Name {i % 50},B{i % 7},C{i % 9},{i}.{i % 10}").ToArray();
        string Version(IEnumerable<string> of) => ReferenceCsv.Read(ReferenceSchema.Catalog, Encoding.UTF8.GetBytes("product_id,name,brand,category,price\n" + string.Join('\n', of))).Version;
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
        var builder = new ReferenceBuilder(ReferenceSchema.Catalog);
        for (var category = 0; category < 300; category++)
            for (var i = 0; i <= category; i++)
                builder.TryAdd($"{category}-{i}", [null, null, $"Category {category}", null]);
        var catalog = builder.Build();
        var slugs = Enumerable.Range(0, catalog.Count).Select(catalog.Slug).Distinct().ToList();
        Assert.Equal(CategorySlugs.Most - 1, slugs.Count);
        Assert.Equal("category-299", catalog.Slug(catalog.Find("299-5"u8)));
        Assert.Equal(ReferenceTable.OtherSlug, catalog.Slug(catalog.Find("7-5"u8)));
        Assert.All(slugs, slug => Assert.Matches("^[a-z0-9-]{1,40}$", slug));
    }

    [Fact]
    public void Memory_is_what_is_stated() => Assert.All([100_000, 150_000, 262_144], products => Assert.InRange((double)Make(products).Bytes / products, 80, 150));

    private static ReferenceTable Make(int products)
    {
        var builder = new ReferenceBuilder(ReferenceSchema.Catalog);
        for (var i = 0; i < products; i++)
            builder.TryAdd($"P{i:D8}", [$"A name of thirty letters {i % 100_000:D5}", $"Brand {i % 500}", $"Category {i % 90}", $"{i}"]);
        return builder.Build();
    }

    private static (string, string, string, long?, string) Of(ReferenceTable catalog, string id)
    {
        var product = catalog.Find(Encoding.UTF8.GetBytes(id));
        return (Text(catalog.Text(product, 0)), Text(catalog.Text(product, 1)), Text(catalog.Text(product, 2)), catalog.Number(product, 3), catalog.Slug(product));
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
