using System.Text;
using System.Text.Json;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Enrichment;

public class ReferenceTopicTests
{
    [Fact]
    public void The_newest_good_record_of_a_key_counts_in_whatever_order_partitions_are_read_and_bad_ones_are_named()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var log = Enumerable.Range(0, 200).Select(i => (Partition: random.Next(3), Key: $"P{random.Next(12)}", Time: 1_000L + random.Next(60), Kind: random.Next(10), Name: $"n{i}")).ToList();
            var records = new List<(int Partition, SourceRecord Record, string Key, bool IsGood, string? Name)>();
            for (var partition = 0; partition < 3; partition++)
            {
                // Kafka's times ascend within a partition.
                var times = log.Where(r => r.Partition == partition).Select(r => r.Time).Order().ToList();
                records.AddRange(log.Where(r => r.Partition == partition).Select((r, offset) => (partition,
                    new SourceRecord(offset, times[offset], Encoding.UTF8.GetBytes(r.Key), r.Kind == 0 ? null : Encoding.UTF8.GetBytes(r.Kind == 1 ? "{\"price\":\"dear\"}" : $"{{\"name\":\"{r.Name}\",\"price\":{r.Kind}.5}}"), []),
                    r.Key, r.Kind != 1, r.Kind == 0 ? null : r.Name)));
            }

            // Naive: of each key the greatest (time, partition, offset) among the good ones.
            (long, int, long) At((int Partition, SourceRecord Record, string Key, bool IsGood, string? Name) r) => (r.Record.KafkaTimeMs, r.Partition, r.Record.Offset);
            var expected = records.Where(r => r.IsGood).GroupBy(r => r.Key).ToDictionary(g => g.Key, g => g.MaxBy(At));
            var bad = records.GroupBy(r => r.Key).Where(g => !g.MaxBy(At).IsGood).Select(g => g.Key).ToList();

            var topic = new ReferenceTopic(ReferenceSchema.Catalog);
            var next = new int[3];
            for (var left = records.Count; left > 0;)
            {
                var partition = random.Next(3);
                var mine = records.Where(r => r.Partition == partition).ToList();
                for (var chunk = random.Next(1, 20); chunk > 0 && next[partition] < mine.Count; chunk--, left--)
                    topic.Apply(partition, mine[next[partition]++].Record);
            }
            var table = topic.Build();
            Assert.Equal(default, table.Repeated);
            foreach (var (key, newest) in expected)
            {
                var row = table.Find(Encoding.UTF8.GetBytes(key));
                Assert.Equal(newest.Name, row < 0 ? null : Encoding.UTF8.GetString(table.Text(row, 0)));
            }
            Assert.Equal(expected.Values.Count(r => r.Name is not null), table.Count);
            Assert.Equal(bad.Count == 0, topic.Complaint is null);
            if (bad.Count > 0)
                Assert.StartsWith($"{bad.Count} record", topic.Complaint);
        }
    }

    [Theory]
    [InlineData("P1", "{\"price\":\"dear\"}", "of product_id 'P1' has the price 'dear', which is no decimal number such as 12.50")]
    [InlineData("P1", "{\"brand\":{}}", "of product_id 'P1' has a brand that is neither text nor a number")]
    [InlineData("P1", "[1]", "of product_id 'P1' has a value that is no JSON object")]
    [InlineData("P1", "Lamp", "of product_id 'P1' has a value that is no JSON")]
    [InlineData("", "{}", "has no key")]
    public void A_record_that_is_no_row_is_named_and_leaves_the_row_as_it_was(string key, string value, string says)
    {
        var topic = new ReferenceTopic(ReferenceSchema.Catalog);
        Assert.Null(topic.Apply(0, Record(0, "P1", "{\"Product_Name\":\"Lamp\",\"brand\":7,\"price\":null,\"other\":[]}")));
        var before = topic.Build();
        Assert.Equal($"partition 0, offset 1 {says}", topic.Apply(0, Record(1, key, value)));
        Assert.Equal(before.Version, topic.Build().Version);
        Assert.Equal(("Lamp", "7"), (Encoding.UTF8.GetString(before.Text(0, 0)), Encoding.UTF8.GetString(before.Text(0, 1))));
        Assert.Contains(says, topic.Complaint);
        Assert.Equal(1, topic.Refused);
        Assert.Null(topic.Apply(0, Record(2, "P1", JsonSerializer.Serialize(new { name = "Lamp", brand = "7" }))));
        Assert.Equal(key.Length == 0, topic.Complaint is not null);
        Assert.Equal(before.Version, topic.Build().Version);
    }

    private static SourceRecord Record(long offset, string key, string value) => new(offset, 1_000 + offset, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), []);
}
