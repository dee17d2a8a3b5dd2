using System.Text.Json;
using Azure.Core.Serialization;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Entities;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Tests.Lake;

namespace Tidemark.Functions.Tests.Entities;

public sealed class SliceEntityTests
{
    private static readonly PipelineId Id = new("v1", "events", 1);
    private static readonly EntityKey Key = new("1m", 60_000);
    private readonly StoredEntity _entity = new(EntityNames.Of(Id, Key));

    [Fact]
    public async Task Apply_merges_only_on_the_version_and_position_that_the_sender_read()
    {
        await ApplyAsync(0, [], [(0, 5)], 7);
        await ApplyAsync(0, [], [(0, 5)], 7);
        await ApplyAsync(1, [(0, 4)], [(0, 9)], 1);
        await ApplyAsync(1, [(0, 5)], [(0, 9), (1, 2)], 1);
        await ApplyAsync(1, [(0, 5)], [(0, 9), (1, 2)], 1);

        var state = _entity.Read()!;
        Assert.Equal(2, state.Version);
        Assert.Equal([(0, 9L), (1, 2L)], state.Position.OrderBy(p => p.Key).Select(p => (p.Key, p.Value)));
        Assert.Equal([8], state.State);
        Assert.Empty(state.Faults);
    }

    [Fact]
    public async Task A_whole_state_takes_the_place_of_the_one_that_the_sender_read_and_nothing_merges_into_a_blob()
    {
        await ApplyAsync(0, [], [(0, 5)], 7);
        var whole = new ApplyInput(1, new Dictionary<int, long> { [0] = 5 }, new Dictionary<int, long> { [0] = 9 }, [], new Dictionary<string, long>())
        {
            IsWhole = true,
            Blob = "_state/x",
        };
        await RunAsync("Apply", whole);
        await RunAsync("Apply", whole with { Blob = "_state/y" });
        await ApplyAsync(2, [(0, 9)], [(0, 12)], 1);

        var state = _entity.Read()!;
        Assert.Equal((2, "_state/x", 9L), (state.Version, state.Blob, state.Position[0]));
        Assert.Contains("_state/x", Assert.Single(state.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delete_removes_only_the_version_that_the_sender_read()
    {
        await ApplyAsync(0, [], [(0, 5)], 7);
        await RunAsync("Delete", 2L);
        Assert.NotNull(_entity.Read());
        await RunAsync("Delete", 1L);
        Assert.Null(_entity.Read());
        await RunAsync("Delete", 1L);
        Assert.Null(_entity.Read());
    }

    [Fact]
    public async Task Bad_input_changes_nothing_but_the_faults_which_are_bounded()
    {
        await ApplyAsync(0, [], [(0, 5)], 7);
        object?[] bad =
        [
            "no apply at all", 5, null, new { BaseVersion = "x" }, new { },
            new ApplyInput(1, new Dictionary<int, long> { [0] = 5 }, new Dictionary<int, long> { [0] = 6 }, [1, 2, 3], new Dictionary<string, long>()),
        ];
        foreach (var input in bad)
            await RunAsync("Apply", input);
        await RunAsync("Delete", "text");
        var state = _entity.Read()!;
        Assert.Equal((1, (byte)7), (state.Version, Assert.Single(state.State)));
        Assert.Equal(bad.Length + 1, state.Faults.Count);

        for (var i = 0; i < 50; i++)
            await RunAsync("Apply", i);

        Assert.Equal(20, _entity.Read()!.Faults.Count);
        await ApplyAsync(1, [(0, 5)], [(0, 9)], 1);
        Assert.Equal([8], _entity.Read()!.State);
    }

    [Fact]
    public async Task Faults_of_an_entity_that_has_no_state_yet_are_kept_and_do_not_stop_its_first_apply()
    {
        await RunAsync("Apply", null);
        Assert.Equal(0, _entity.Read()!.Version);
        await ApplyAsync(0, [], [(0, 5)], 7);
        Assert.Equal(1, _entity.Read()!.Version);
        Assert.Single(_entity.Read()!.Faults);
    }

    [Fact]
    public void State_is_stored_as_public_properties_that_any_later_version_must_read()
    {
        const string Stored = """{"Version":3,"Position":{"0":12,"7":5},"State":"AQI=","Faults":["x"]}""";
        var state = JsonSerializer.Deserialize<SliceEntityState>(Stored, StoredEntity.Json)!;
        Assert.Equal((3, 12, 5, "x"), (state.Version, state.Position[0], state.Position[7], state.Faults[0]));
        Assert.Equal([1, 2], state.State);
        Assert.Equal(Stored.Replace("\"Faults\"", "\"Blob\":null,\"Faults\"", StringComparison.Ordinal), JsonSerializer.Serialize(state, StoredEntity.Json));
    }

    [Fact]
    public void Ids_hold_the_pipeline_and_are_turned_back()
    {
        Assert.Equal("@slices@v1/events.1/1m/60000", EntityNames.Of(Id, Key).ToString());
        Assert.Equal(Key, EntityNames.Parse(Id, EntityNames.Of(Id, Key)));
        Assert.Throws<FormatException>(() => EntityNames.Parse(Id with { Version = "v2" }, EntityNames.Of(Id, Key)));
    }

    [Fact]
    public void Ids_that_the_scheduler_would_refuse_are_refused_at_the_start()
    {
        var pipeline = new SamplePipeline();
        EntityNames.Check(Id, pipeline);
        var e = Assert.Throws<InvalidSettingException>(() => EntityNames.Check(Id with { Topic = new string('t', 80) }, pipeline));
        Assert.Contains("KafkaTopic", e.Message);
    }

    private Task ApplyAsync(long version, (int, long)[] from, (int, long)[] to, byte partial) => RunAsync("Apply", new ApplyInput(
        version, from.ToDictionary(p => p.Item1, p => p.Item2), to.ToDictionary(p => p.Item1, p => p.Item2), [partial], new Dictionary<string, long>()));

    private async Task RunAsync(string operation, object? input) =>
        await new SliceEntity(new HostedPipelines([new HostedPipeline("sample", Id, new SamplePipeline())]), new CostCounters()).RunAsync(_entity.Operation(operation, input));
}

/// <summary>State and operations as the backend keeps them: JSON by the worker's serialiser.</summary>
internal sealed class StoredEntity(EntityInstanceId id) : TaskEntityState
{
    public static readonly JsonSerializerOptions Json = new() { PropertyNameCaseInsensitive = true };
    private static readonly JsonObjectSerializer Serializer = new(Json);
    private BinaryData? _state;

    public override bool HasState => _state is not null;

    public SliceEntityState? Read() => (SliceEntityState?)GetState(typeof(SliceEntityState));

    public override object? GetState(Type type) => _state is null ? null : Serializer.Deserialize(_state.ToStream(), type, default);

    public override void SetState(object? state) => _state = state is null ? null : Serializer.Serialize(state, state.GetType(), default);

    public TaskEntityOperation Operation(string name, object? input) => new Stored(this, name, input is null ? null : Serializer.Serialize(input, input.GetType(), default));

    private sealed class Stored(StoredEntity entity, string name, BinaryData? input) : TaskEntityOperation
    {
        public override string Name => name;

        public override TaskEntityContext Context { get; } = new Silent(entity.Id);

        public override TaskEntityState State => entity;

        public override bool HasInput => input is not null;

        public override object? GetInput(Type inputType) => input is null ? null : Serializer.Deserialize(input.ToStream(), inputType, default);
    }

    private EntityInstanceId Id => id;

    private sealed class Silent(EntityInstanceId id) : TaskEntityContext
    {
        public override EntityInstanceId Id => id;

        public override void SignalEntity(EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null) => throw new NotSupportedException();

        public override string ScheduleNewOrchestration(TaskName name, object? input = null, StartOrchestrationOptions? options = null) => throw new NotSupportedException();
    }
}
