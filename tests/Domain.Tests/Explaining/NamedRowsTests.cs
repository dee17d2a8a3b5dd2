using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Clickstream.Streams;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Explaining;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Tests.Corrections;
using Tidemark.Domain.Tests.Ledger.Simulation;

namespace Tidemark.Domain.Tests.Explaining;

public class NamedRowsTests
{
    [Fact]
    public void An_id_is_found_alone_and_in_lists_whether_its_letters_are_written_as_they_are_or_escaped_as_once()
    {
        var world = new SimWorld(1, trace: false) { Faults = false };
        var (data, rows) = (new StoredData(), new RowsBuilder(FraudRows.Schema));
        foreach (var (id, evidence) in (IEnumerable<(string, string)>)[("ü1", "{}"), ("a", """["ü1"]"""), ("b", """["\u00FC1"]"""), ("c", """["ü12"]""")])
            rows.Add(0L, "rule", "warning", 1.0, "u", id, null, evidence);
        data.Table(TableNames.Gold("fraud_alerts")).Rows = [rows.Build()];
        var stream = ClickstreamPipeline.Create(new EventOptions("events")).Streams.First(s => s.Name == "fraud_alerts");
        IReadOnlyList<NamedRow>? found = null;
        world.Start(async () => found = await NamedRows.FindAsync(new StoredLake(world, new SimActor("one"), data), [stream], "ü1", default));
        Assert.True(world.RunUntil(() => found is not null, 1_000));
        Assert.Equal(["ü1", "a", "b"], found!.Select(row => row.Row.Value(0, "event_id")));
    }

    [Fact]
    public void Evidence_has_letters_of_every_language_as_they_are() =>
        Assert.Equal("""{"country":"Österreich"}""", System.Text.Json.JsonSerializer.Serialize(new { country = "Österreich" }, StoredJson.Serializer));
}
