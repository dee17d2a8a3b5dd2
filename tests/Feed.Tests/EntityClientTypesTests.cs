using System.Text.Json;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Entities;

namespace Tidemark.Feed.Tests;

public class EntityClientTypesTests
{
    [Fact]
    public void Entity_names_are_lower_case_and_keys_are_kept()
    {
        var id = new EntityInstanceId("Slice", "V1|Topic@x");

        Assert.Equal("@slice@V1|Topic@x", id.ToString());
        Assert.Equal(id, EntityInstanceId.FromString(id.ToString()));
        Assert.Equal(id, JsonSerializer.Deserialize<EntityInstanceId>(JsonSerializer.Serialize(id)));
        Assert.Throws<ArgumentException>(() => new EntityInstanceId("a@b", "k"));
        Assert.Throws<ArgumentException>(() => EntityInstanceId.FromString("slice@k"));
    }

    [Fact]
    public void A_query_prefix_gets_its_at_sign()
    {
        Assert.Equal("@slice@a", new EntityQuery { InstanceIdStartsWith = "slice@a" }.InstanceIdStartsWith);
        Assert.Equal("@slice@a", new EntityQuery { InstanceIdStartsWith = "@slice@a" }.InstanceIdStartsWith);
        Assert.Null(new EntityQuery().InstanceIdStartsWith);
    }

    [Fact]
    public void State_that_was_not_included_is_not_given()
    {
        var without = new EntityMetadata<string>(new EntityInstanceId("a", "b"));
        var with = new EntityMetadata<string>(new EntityInstanceId("a", "b"), "state");
        var raw = new EntityMetadata(new EntityInstanceId("a", "b"), new SerializedData("""{"A":1}"""));

        Assert.False(without.IncludesState);
        Assert.Throws<InvalidOperationException>(() => without.State);
        Assert.Equal("state", with.State);
        Assert.Equal(1, raw.State.ReadAs<Dictionary<string, int>>()["A"]);
    }

    [Fact]
    public async Task Pages_are_walked_to_the_end_and_empty_ones_are_passed_over()
    {
        var pages = Pageable.Create((string? from, CancellationToken _) => Task.FromResult(from switch
        {
            null => new Page<int>([1, 2], "b"),
            "b" => new Page<int>([], "c"),
            _ => new Page<int>([3]),
        }));
        var all = new List<int>();

        await foreach (var item in pages)
            all.Add(item);

        Assert.Equal([1, 2, 3], all);
    }

    [Fact]
    public void A_time_is_a_signal_option()
    {
        SignalEntityOptions options = DateTimeOffset.UnixEpoch;

        Assert.Equal(DateTimeOffset.UnixEpoch, options.SignalTime);
    }
}
