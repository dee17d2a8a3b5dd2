using System.Text;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Schemas;

namespace Tidemark.Domain.Tests.Schemas;

public class SchemaTests
{
    private const long Noon = 1_705_406_400_000;
    private const string V2 = """ "event_id":"e","event_type":"purchase","timestamp":"2024-01-16T12:00:00Z","user_id":"u","product_id":"P","revenue":5 """;
    private const string V1 = """ "_event_id":"e","action":"purchase","_event_time":"2024-01-16T12:00:00Z","user_id":"u","amount":5 """;
    private readonly EventSchemas schemas = new() { HasRegistry = true };

    [Theory]
    [InlineData("2", V2, 2)]
    [InlineData("\"v2\"", V2, 2)]
    [InlineData("\"2.7\"", V2, 2)]
    [InlineData("1", V1, 1)]
    public void A_known_version_is_read_into_the_same_columns(string version, string fields, int expected)
    {
        var segment = Ingest(Event($$"""{"schema_version":{{version}},{{fields}}}"""));
        var row = segment.Rows["silver/events"];
        Assert.Equal(("e", "purchase", 5m, expected, null), (row.Value(0, "event_id"), row.Value(0, "event_type"), row.Value(0, "revenue"), row.Value(0, "schema_version"), row.Value(0, "extra")));
    }

    [Fact]
    public void Names_of_another_version_and_unknown_fields_are_kept_as_extra()
    {
        var row = Ingest(Event($$"""{"schema_version":2,{{V2}},"action":"tap","amount":9,"colour":"red"}""")).Rows["silver/events"];
        Assert.Equal(("purchase", 5m), (row.Value(0, "event_type"), row.Value(0, "revenue")));
        Assert.Equal("""{"colour":"red","action":"tap","amount":9}""", row.Value(0, "extra"));
    }

    [Fact]
    public void The_header_names_the_version_before_the_field_does()
    {
        var record = Event($$"""{"schema_version":7,{{V1}}}""") with { Headers = [new RecordHeader("source", "web"u8.ToArray()), new RecordHeader("schema-version", "1"u8.ToArray())] };
        Assert.Equal(1, Ingest(record).Rows["silver/events"].Value(0, "schema_version"));
    }

    [Theory]
    [InlineData("""{"schema_version":3,"event_id":"e"}""", "unknown_schema_version", "'3'")]
    [InlineData("""{"schema_version":"next","event_id":"e"}""", "unknown_schema_version", "'next'")]
    [InlineData("""{"schema_version":2,"event_id":"e","event_type":"purchase","timestamp":"2024-01-16T12:00:00Z","user_id":"u","product_id":"P","total":5}""", "schema_violation", "requires revenue")]
    [InlineData("""{"schema_version":2,"event_id":"e","event_type":"purchase","timestamp":"2024-01-16T12:00:00Z","user_id":"u","product_id":"P","revenue":null}""", "schema_violation", "requires revenue")]
    [InlineData("""{"schema_version":2,"event_id":"e","event_type":"add_to_cart","timestamp":"2024-01-16T12:00:00Z","user_id":"u"}""", "schema_violation", "requires product_id")]
    [InlineData("""{"schema_version":2,"_event_id":"e","event_type":"view","timestamp":"2024-01-16T12:00:00Z","user_id":"u"}""", "missing_event_id", "no event_id")]
    public void What_breaks_its_schema_is_quarantined_with_the_reason_and_counted_as_refused(string json, string reason, string says)
    {
        var segment = Ingest(Event(json));
        var row = segment.Rows["silver/quarantine"];
        Assert.Equal(reason, row.Value(0, "reason"));
        Assert.Contains(says, (string)row.Value(0, "detail")!);
        Assert.Equal(reason.StartsWith("missing", StringComparison.Ordinal) ? 0 : 1, segment.Counts.GetValueOrDefault("refused/" + reason));
    }

    [Fact]
    public void A_view_needs_no_product_and_an_event_without_version_is_held_to_none()
    {
        Assert.Contains("silver/events", Ingest(Event("""{"schema_version":2,"event_id":"e","event_type":"view","timestamp":"2024-01-16T12:00:00Z","user_id":"u"}""")).Rows.Keys);
        var row = Ingest(Event("""{"event_id":"e","action":"purchase","ts":1705406400000,"user_id":"u"}""")).Rows["silver/events"];
        Assert.Null(row.Value(0, "schema_version"));
    }

    [Fact]
    public void A_framed_value_is_read_by_the_registry_s_schema()
    {
        schemas.Add(7, Encoding.UTF8.GetBytes("""{"title":"shop.click","properties":{"event_id":{},"event_type":{},"ts":{},"user_id":{},"colour":{}},"required":["event_id","user_id","colour"]}"""));
        var row = Ingest(Framed(7, """{"event_id":"e","event_type":"view","ts":1705406400000,"user_id":"u","colour":"red","page":"/x","schema_version":"9"}""")).Rows["silver/events"];
        Assert.Equal(("e", null, """{"colour":"red","page":"/x","schema_version":"9"}"""), (row.Value(0, "event_id"), row.Value(0, "page"), row.Value(0, "extra")));
        foreach (var colour in new[] { "", ",\"colour\":null" })
            Assert.Equal("schema_violation", Ingest(Framed(7, $$"""{"event_id":"e","event_type":"view","ts":1705406400000,"user_id":"u"{{colour}}}""")).Rows["silver/quarantine"].Value(0, "reason"));
    }

    [Theory]
    [InlineData("avro")]
    [InlineData("protobuf")]
    public void Other_kinds_of_schema_are_refused_by_name_and_keep_their_bytes(string kind)
    {
        schemas.AddUnsupported(8, kind);
        var record = Framed(8, "\u0002abc");
        var row = Ingest(record).Rows["silver/quarantine"];
        Assert.Equal("unsupported_schema_" + kind, row.Value(0, "reason"));
        Assert.Equal(record.Value, row.Value(0, "value"));
    }

    [Fact]
    public void An_id_that_the_registry_lacks_is_refused_and_without_registry_the_value_is_taken_as_it_is()
    {
        Assert.Equal("unknown_schema_id", Ingest(Framed(9, $$"""{ {{V2}} }""")).Rows["silver/quarantine"].Value(0, "reason"));
        var without = ClickstreamPipeline.Create(new EventOptions("shop"));
        using var decoded = without.Decode(0, [Framed(9, $$"""{ {{V2}} }""")], Noon);
        Assert.Equal("e", without.Build(decoded, Noon).Rows["silver/events"].Value(0, "event_id"));
    }

    [Fact]
    public void Every_version_in_schemas_is_known_and_declares_what_it_requires()
    {
        Assert.Equal([1, 2], schemas.Versions);
        Assert.All(schemas.Versions, version => Assert.Equal(version, schemas.Version(version)!.Version));
    }

    [Fact]
    public void A_text_that_is_no_schema_is_refused() => Assert.Throws<InvalidDataException>(() => schemas.Add(1, "[1]"u8.ToArray()));

    private Segment Ingest(SourceRecord record)
    {
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop") { Schemas = schemas });
        using var decoded = pipeline.Decode(0, [record], Noon);
        var segment = SegmentCodec.Read(SegmentCodec.Write(pipeline.Build(decoded, Noon)));
        return segment;
    }

    private static SourceRecord Event(string json) => new(0, Noon, null, Encoding.UTF8.GetBytes(json), []);

    private static SourceRecord Framed(byte id, string payload) => new(0, Noon, null, [0, 0, 0, 0, id, .. Encoding.UTF8.GetBytes(payload)], []);
}
