using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.DependencyInjection;

namespace Tidemark.LocalHost.Tests.Entities;

public sealed class CounterState
{
    public int Value { get; set; }

    public string Text { get; set; } = "";
}

/// <summary>The entity of these tests.</summary>
public sealed class Counter(Recorder recorder) : TaskEntity<CounterState>
{
    [Function("Counter")]
    public static Task Run([EntityTrigger] TaskEntityDispatcher dispatcher) => dispatcher.DispatchAsync<Counter>();

    public void Add(int amount)
    {
        State.Value += amount;
        recorder.Log.Enqueue($"{Context.Id.Key}+{amount}");
    }

    public void AddAndThrow(int amount)
    {
        State.Value += amount;
        Context.SignalEntity(new EntityInstanceId("Counter", "other"), nameof(Add), 1000);
        throw new InvalidOperationException("refused");
    }

    public async Task AddSlowly(int amount)
    {
        recorder.Log.Enqueue("begin " + Context.Id.Key);
        await Task.Delay(5);
        State.Value += amount;
        recorder.Log.Enqueue("end " + Context.Id.Key);
    }

    public void Forward(int amount) => Context.SignalEntity(new EntityInstanceId("counter", "target"), "add", amount);

    public void Fill(int length) => State.Text = new string('x', length);

    public void Clear() => State = null!;
}

public sealed class EntityTests
{
    private static readonly EntityInstanceId A = new("Counter", "a");

    [Fact]
    public async Task Operations_of_one_entity_run_one_at_a_time_and_those_of_others_beside_them()
    {
        await using var host = await StartAsync();
        var ids = Enumerable.Range(0, 4).Select(i => new EntityInstanceId("Counter", $"k{i}")).ToList();
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Client(host).SignalEntityAsync(ids[i % 4], "AddSlowly", 1)));
        foreach (var id in ids)
            await ValueBecomesAsync(host, id, 10);
        foreach (var id in ids)
        {
            var log = host.Recorder.Log.Where(l => l.EndsWith(id.Key, StringComparison.Ordinal)).ToList();
            Assert.Equal(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? "begin " : "end ") + id.Key), log);
        }
    }

    [Fact]
    public async Task An_operation_that_throws_loses_its_signal_its_state_and_what_it_sent_but_not_its_neighbours()
    {
        await using var host = await StartAsync();
        await Client(host).SignalEntityAsync(A, "Add", 1);
        await Client(host).SignalEntityAsync(A, "AddAndThrow", 100);
        await Client(host).SignalEntityAsync(A, "NoSuchOperation", 1);
        await Client(host).SignalEntityAsync(A, "Add", 2);
        await ValueBecomesAsync(host, A, 3);
        Assert.Null(await Client(host).GetEntityAsync(new EntityInstanceId("Counter", "other")));
        Assert.Contains(host.Log.Errors, e => e.Contains("AddAndThrow", StringComparison.Ordinal) && e.Contains("refused", StringComparison.Ordinal));
        Assert.Equal(4, host.Host.EntityOperations);
    }

    [Fact]
    public async Task A_state_above_the_limit_is_refused_and_the_old_one_stays()
    {
        await using var host = await StartAsync();
        await Client(host).SignalEntityAsync(A, "Fill", 1024 * 1024);
        await Client(host).SignalEntityAsync(A, "Add", 7);
        await ValueBecomesAsync(host, A, 7);
        Assert.Contains(host.Log.Errors, e => e.Contains("1,048,576", StringComparison.Ordinal));
        var state = (await Client(host).GetEntityAsync<CounterState>(A))!.State;
        Assert.Equal("", state.Text);
    }

    [Fact]
    public async Task A_signal_above_the_limit_is_refused_where_it_is_sent()
    {
        await using var host = await StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => Client(host).SignalEntityAsync(A, "Add", new string('x', 1024 * 1024)));
    }

    [Fact]
    public async Task Entities_signal_each_other_and_are_deleted_by_a_null_state()
    {
        await using var host = await StartAsync();
        await Client(host).SignalEntityAsync(A, "Forward", 5);
        var target = new EntityInstanceId("Counter", "target");
        await ValueBecomesAsync(host, target, 5);
        await Client(host).SignalEntityAsync(target, "Clear");
        await Eventually.True(() => Client(host).GetEntityAsync(target).Result is null, "the entity is gone");
        Assert.DoesNotContain("@counter@target", await ListAsync(host, new EntityQuery { InstanceIdStartsWith = "Counter@t" }));
        Assert.Contains("@counter@target", await ListAsync(host, new EntityQuery { InstanceIdStartsWith = "Counter@t", IncludeTransient = true }));
        await Client(host).CleanEntityStorageAsync();
        Assert.Empty(await ListAsync(host, new EntityQuery { InstanceIdStartsWith = "Counter@t", IncludeTransient = true }));
    }

    [Fact]
    public async Task Listing_goes_by_prefix_over_pages_and_keys_are_case_sensitive()
    {
        await using var host = await StartAsync();
        string[] keys = [.. Enumerable.Range(0, 25).Select(i => $"x{i:00}"), "X99", "y"];
        await Task.WhenAll(keys.Select(k => Client(host).SignalEntityAsync(new EntityInstanceId("COUNTER", k), "add", 1)));
        await Eventually.True(() => host.Host.EntityOperations == keys.Length, "all ran");
        var listed = await ListAsync(host, new EntityQuery { InstanceIdStartsWith = "@Counter@x", PageSize = 10 });
        Assert.Equal(keys.Take(25).Select(k => "@counter@" + k), listed);
    }

    [Fact]
    public async Task A_scheduled_signal_waits_for_its_time()
    {
        await using var host = await StartAsync();
        await Client(host).SignalEntityAsync(A, "Add", 1, DateTimeOffset.UtcNow.AddDays(1));
        await Client(host).SignalEntityAsync(A, "Add", 2);
        await ValueBecomesAsync(host, A, 2);
        Assert.Equal(1, (await Client(host).GetEntityAsync(A))!.BacklogQueueSize);
    }

    [Fact]
    public async Task Accepted_signals_are_delivered_after_a_start_on_what_a_killed_host_left()
    {
        using var folder = new TestFolder();
        // What SIGKILL leaves is the database as of some commit: signals that were accepted and not consumed.
        using (var store = new LocalHost.Entities.EntityStore(folder["entities.db"]))
        {
            store.Write([new() { Accepted = [.. Enumerable.Range(1, 10).Select(i => new LocalHost.Entities.Signal(i, "@counter@a", "Add", "1", 0))] }]);
            store.Write([new() { Consumed = [1, 2, 3], State = new("@counter@a", """{"Value":3,"Text":""}""", 1) }]);
        }

        await using var host = await TestHost.StartAsync([typeof(Counter)], [], folder: folder.Path);
        await ValueBecomesAsync(host, A, 10);
        await Client(host).SignalEntityAsync(A, "Add", 5);
        await ValueBecomesAsync(host, A, 15);
    }

    [Fact]
    public async Task In_the_test_mode_signals_come_twice_late_and_out_of_order_by_the_seed()
    {
        var settings = new Dictionary<string, string?> { ["LocalHost__SignalDisorderSeed"] = "7" };
        await using var host = await TestHost.StartAsync([typeof(Counter)], settings);
        for (var i = 1; i <= 100; i++)
            await Client(host).SignalEntityAsync(A, "Add", i);
        await Eventually.True(
            () => host.Recorder.Log.Distinct().Count() == 100 && Client(host).GetEntityAsync(A).Result!.BacklogQueueSize == 0, "each signal came at least once");
        var seen = host.Recorder.Log.Select(l => int.Parse(l[2..], System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.InRange(seen.Count, 105, 140);
        Assert.NotEqual(seen.Order(), seen);
    }

    private static Task<TestHost> StartAsync() => TestHost.StartAsync([typeof(Counter)], []);

    private static DurableEntityClient Client(TestHost host) => host.Host.Services.GetRequiredService<DurableTaskClient>().Entities;

    private static Task ValueBecomesAsync(TestHost host, EntityInstanceId id, int value) =>
        Eventually.True(() => Client(host).GetEntityAsync<CounterState>(id).Result is { } e && e.State.Value == value, $"{id} has the value {value}");

    private static async Task<List<string>> ListAsync(TestHost host, EntityQuery query)
    {
        List<string> ids = [];
        await foreach (var entity in Client(host).GetAllEntitiesAsync(query))
            ids.Add(entity.Id.ToString());
        return ids;
    }
}
