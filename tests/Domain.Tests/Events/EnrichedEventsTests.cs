using System.Globalization;
using System.Text;
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

    [Theory]
    [InlineData(CatalogJoin.Left)]
    [InlineData(CatalogJoin.Inner)]
    public void Rows_are_those_of_a_join_event_by_event_whatever_the_catalogs_before(CatalogJoin join)
    {
        var random = new Random(5);
        var enrichment = new EnrichmentOptions { Join = join };
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"), enrichment: enrichment);
        for (var batch = 0; batch < 25; batch++)
        {
            var products = Enumerable.Range(0, 40).Where(_ => random.Next(3) > 0).ToDictionary(i => $"P{i}", i =>
                (Name: random.Next(5) == 0 ? "" : $"Name {i} {batch}", Brand: $"B{random.Next(3)}", Category: random.Next(6) == 0 ? "" : $"Größe {random.Next(4)}",
                    Price: random.Next(4) == 0 ? (decimal?)null : random.Next(10_000) / 100m));
            var catalog = new CatalogBuilder();
            foreach (var (id, p) in products)
                catalog.Add(id, p.Name, p.Brand, p.Category, p.Price);
            enrichment.Current = batch == 0 ? null : catalog.Build();
            if (batch == 0)
                products.Clear();
            var events = Enumerable.Range(0, random.Next(1, 200)).Select(i => (Id: $"e{batch}-{i}", Product: random.Next(5) == 0 ? null : $"P{random.Next(50)}")).ToArray();
            using var decoded = pipeline.Decode(0, [.. events.Select((e, i) => new SourceRecord(i, Noon, null, Event(e.Id, e.Product), []))], Noon);
            // What is current when the batch is decoded counts, also when it is built again.
            var version = enrichment.Current?.Version;
            enrichment.Current = null;
            var verdicts = events.Select(_ => random.Next(9) == 0 ? Verdict.Duplicate : Verdict.First).ToArray();
            ((IDeduplicating)pipeline).Judge(decoded, verdicts);
            var expected = events.Where((e, i) => verdicts[i] == Verdict.First && (join == CatalogJoin.Left || (e.Product is not null && products.ContainsKey(e.Product))))
                .Select(e => e.Product is not null && products.TryGetValue(e.Product, out var p)
                    ? $"{e.Id}|{e.Product}|{p.Name}|{p.Brand}|{p.Category}|{p.Price?.ToString("0.0000", CultureInfo.InvariantCulture)}|{version}"
                    : $"{e.Id}|{e.Product}|||||{version}").ToArray();
            for (var again = 0; again < 2; again++)
            {
                var segment = pipeline.Build(decoded, Noon);
                var rows = segment.Rows.GetValueOrDefault(Table) ?? RowBatches.Empty(pipeline.Tables[^1].Schema);
                Assert.Equal(expected, Enumerable.Range(0, rows.Count).Select(row => string.Join('|',
                    new[] { "event_id", "product_id", "catalog_name", "catalog_brand", "catalog_category", "catalog_price", "catalog_version" }
                        .Select(name => rows.Text(row, rows.Schema.IndexOf(name))))));
                Assert.All(Enumerable.Range(0, rows.Count), row => Assert.Equal(
                    rows.Value(row, "catalog_category") is null ? "none" : $"gr-e-{rows.Value(row, "catalog_category")!.ToString()![^1]}", rows.Value(row, "category_slug")));
                Assert.Equal(segment.Rows.GetValueOrDefault(Table)?.Count ?? 0, SegmentCodec.Read(SegmentCodec.Write(segment)).Rows.GetValueOrDefault(Table)?.Count ?? 0);
            }
        }
    }

    [Fact]
    public void Without_a_catalog_there_is_no_such_table() =>
        Assert.DoesNotContain(ClickstreamPipeline.Create(new EventOptions("shop")).Tables, table => table.Name == Table);

    private static byte[] Event(string id, string? product) => Encoding.UTF8.GetBytes(
        $"{{\"event_id\":\"{id}\",\"event_type\":\"view\",\"ts\":{Noon},\"user_id\":\"u\"{(product is null ? "" : $",\"product_id\":\"{product}\"")}}}");
}
