using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Events;

public class EnrichedEventsTests
{
    private const long Noon = 1_705_406_400_000;
    private const string Table = "gold/enriched_clickstream";
    private static readonly string[] Compared =
    [
        "event_id", "product_id", "catalog_name", "catalog_brand", "catalog_category", "catalog_price", "catalog_version", "customer_segment", "customer_signup_date", "customer_home_country",
        "customer_version", "country_name", "country_region", "country_currency", "country_version",
    ];

    [Theory]
    [InlineData(CatalogJoin.Left)]
    [InlineData(CatalogJoin.Inner)]
    public void Rows_are_those_of_a_join_event_by_event_with_every_table_whatever_was_current_before(CatalogJoin join)
    {
        var random = new Random(5);
        var enrichment = new EnrichmentOptions { Join = join };
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"), enrichment: enrichment);
        for (var batch = 0; batch < 25; batch++)
        {
            var products = Enumerable.Range(0, 40).Where(_ => random.Next(3) > 0).ToDictionary(i => $"P{i}", i =>
                (Name: random.Next(5) == 0 ? "" : $"Name {i} {batch}", Brand: $"B{random.Next(3)}", Category: random.Next(6) == 0 ? "" : $"Größe {random.Next(4)}",
                    Price: random.Next(4) == 0 ? (decimal?)null : random.Next(10_000) / 100m));
            var customers = Enumerable.Range(0, 20).Where(_ => random.Next(3) > 0).ToDictionary(i => $"u{i}", i => (Segment: $"s{random.Next(3)}", Day: random.Next(3) == 0 ? "" : $"20{random.Next(10, 25)}-02-{random.Next(1, 29):D2}", Home: $"C{random.Next(4)}"));
            var countries = Enumerable.Range(0, 6).Where(_ => random.Next(3) > 0).ToDictionary(i => $"C{i}", i => (Name: $"Land {i}", Region: $"R{batch}", Currency: random.Next(3) == 0 ? "" : "EUR"));
            Set(enrichment.Catalog, batch > 0, products.Select(p => (p.Key, new[] { p.Value.Name, p.Value.Brand, p.Value.Category, p.Value.Price?.ToString(CultureInfo.InvariantCulture) })));
            Set(enrichment.Customers, batch % 4 > 0, customers.Select(c => (c.Key, new[] { c.Value.Segment, c.Value.Day, (string?)c.Value.Home })));
            Set(enrichment.Countries, batch % 3 > 0, countries.Select(c => (c.Key, new[] { c.Value.Name, c.Value.Region, (string?)c.Value.Currency })));
            if (batch == 0)
                products.Clear();
            if (batch % 4 == 0)
                customers.Clear();
            if (batch % 3 == 0)
                countries.Clear();
            var events = Enumerable.Range(0, random.Next(1, 200)).Select(i => (
                Id: $"e{batch}-{i}", Product: random.Next(5) == 0 ? null : $"P{random.Next(50)}", User: $"u{random.Next(25)}", Country: random.Next(5) == 0 ? null : $"C{random.Next(8)}")).ToArray();
            using var decoded = pipeline.Decode(0, [.. events.Select((e, i) => new SourceRecord(i, Noon, null, Event(e.Id, e.Product, e.User, e.Country), []))], Noon);
            // What is current when the batch is decoded counts, also when it is built again.
            var references = new[] { enrichment.Catalog, enrichment.Customers, enrichment.Countries };
            var versions = references.Select(reference => reference.Current?.Version).ToArray();
            foreach (var reference in references)
                reference.Current = null;
            var verdicts = events.Select(_ => random.Next(9) == 0 ? Verdict.Duplicate : Verdict.First).ToArray();
            ((IDeduplicating)pipeline).Judge(decoded, verdicts);
            var expected = events.Where((e, i) => verdicts[i] == Verdict.First && (join == CatalogJoin.Left || (e.Product is not null && products.ContainsKey(e.Product))))
                .Select(e => string.Join('|', new[]
                {
                    e.Id, e.Product, OfProduct(e.Product), versions[0],
                    customers.TryGetValue(e.User, out var c) ? $"{c.Segment}|{c.Day}|{c.Home}" : "||", versions[1],
                    e.Country is not null && countries.TryGetValue(e.Country, out var land) ? $"{land.Name}|{land.Region}|{land.Currency}" : "||", versions[2],
                })).ToArray();
            for (var again = 0; again < 2; again++)
            {
                var segment = pipeline.Build(decoded, Noon);
                var rows = segment.Rows.GetValueOrDefault(Table) ?? RowBatches.Empty(pipeline.Tables[^1].Schema);
                Assert.Equal(expected, Enumerable.Range(0, rows.Count).Select(row => string.Join('|', Compared.Select(name => rows.Text(row, rows.Schema.IndexOf(name))))));
                Assert.All(Enumerable.Range(0, rows.Count), row => Assert.Equal(
                    rows.Value(row, "catalog_category") is null ? "none" : $"gr-e-{rows.Value(row, "catalog_category")!.ToString()![^1]}", rows.Value(row, "category_slug")));
                Assert.Equal(segment.Rows.GetValueOrDefault(Table)?.Count ?? 0, SegmentCodec.Read(SegmentCodec.Write(segment)).Rows.GetValueOrDefault(Table)?.Count ?? 0);
            }

            string OfProduct(string? id) => id is not null && products.TryGetValue(id, out var p) ? $"{p.Name}|{p.Brand}|{p.Category}|{p.Price?.ToString("0.0000", CultureInfo.InvariantCulture)}" : "|||";
        }
    }

    [Fact]
    public void Without_a_catalog_there_is_no_such_table() =>
        Assert.DoesNotContain(ClickstreamPipeline.Create(new EventOptions("shop")).Tables, table => table.Name == Table);

    private static void Set(Reference reference, bool isThere, IEnumerable<(string Key, string?[] Values)> rows)
    {
        var builder = new ReferenceBuilder(reference.Schema);
        foreach (var (key, values) in rows)
            Assert.Null(builder.TryAdd(key, values));
        reference.Current = isThere ? builder.Build() : null;
    }

    private static byte[] Event(string id, string? product, string user, string? country) => JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object?>
    {
        ["event_id"] = id, ["event_type"] = "view", ["ts"] = Noon, ["user_id"] = user, ["product_id"] = product, ["country"] = country,
    });
}
