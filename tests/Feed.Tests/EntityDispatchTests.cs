using System.Reflection;
using System.Text.Json;
using Microsoft.DurableTask.Entities;

namespace Tidemark.Feed.Tests;

/// <summary>The rules by which operations reach an entity; they hold for the official packages and for the stand-ins.</summary>
public class EntityDispatchTests
{
    [Theory]
    [InlineData("Add")]
    [InlineData("add")]
    [InlineData("ADD")]
    public async Task An_operation_finds_its_method_without_regard_to_case(string name)
    {
        var operation = new Operation(name, "5", """{"Value":2}""");

        var result = await new Counter().RunAsync(operation);

        Assert.Equal(7, result);
        Assert.Equal("""{"Value":7}""", operation.Stored);
    }

    [Fact]
    public async Task State_that_is_absent_is_initialised_and_stored_after_the_operation()
    {
        var operation = new Operation("add", "5", null);

        await new Counter().RunAsync(operation);

        Assert.Equal("""{"Value":105}""", operation.Stored);
    }

    [Theory]
    [InlineData("AddLater", 8)]
    [InlineData("AddSoon", 8)]
    [InlineData("WaitOnly", null)]
    [InlineData("Nothing", null)]
    public async Task Tasks_and_value_tasks_are_awaited_before_the_state_is_stored(string name, int? expected)
    {
        var operation = new Operation(name, "5", """{"Value":3}""");

        var result = await new Counter().RunAsync(operation);

        Assert.Equal(expected, result);
        Assert.Equal("""{"Value":8}""", operation.Stored);
    }

    [Fact]
    public async Task Context_operation_and_default_input_are_bound()
    {
        var result = await new Counter().RunAsync(new Operation("Describe", null, null));

        Assert.Equal("@counter@Key Describe 42", result);
    }

    [Fact]
    public async Task A_missing_input_a_second_input_and_an_overload_are_refused_and_nothing_is_stored()
    {
        var missing = new Operation("Add", null, "{}");
        var twice = new Operation("Two", "1", "{}");
        var overloaded = new Operation("Overloaded", "1", "{}");

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await new Counter().RunAsync(missing));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await new Counter().RunAsync(twice));
        await Assert.ThrowsAsync<AmbiguousMatchException>(async () => await new Counter().RunAsync(overloaded));
        Assert.All(new[] { missing, twice, overloaded }, o => Assert.False(o.WasStored));
    }

    [Fact]
    public async Task An_operation_that_throws_stores_nothing()
    {
        var operation = new Operation("Fail", null, """{"Value":3}""");

        await Assert.ThrowsAnyAsync<Exception>(async () => await new Counter().RunAsync(operation));

        Assert.False(operation.WasStored);
    }

    [Fact]
    public async Task Delete_is_implicit_and_works_on_state_that_no_longer_reads()
    {
        var operation = new Operation("delete", null, "broken");

        await new Counter().RunAsync(operation);

        Assert.True(operation.WasStored);
        Assert.Null(operation.Stored);
    }

    [Fact]
    public async Task An_unknown_operation_is_not_supported() =>
        await Assert.ThrowsAsync<NotSupportedException>(async () => await new Counter().RunAsync(new Operation("unknown", null, null)));

    [Fact]
    public async Task State_methods_are_operations_where_the_entity_allows_it()
    {
        var operation = new Operation("Double", null, """{"Value":4}""");

        await new StateCounter().RunAsync(operation);

        Assert.Equal("""{"Value":8}""", operation.Stored);
        await Assert.ThrowsAsync<NotSupportedException>(async () => await new Counter().RunAsync(new Operation("Double", null, "{}")));
    }

    public sealed class Count
    {
        public int Value { get; set; }

        public void Double() => Value *= 2;
    }

    public sealed class StateCounter : TaskEntity<Count>
    {
        protected override bool AllowStateDispatch => true;
    }

    public sealed class Counter : TaskEntity<Count>
    {
        public int Add(int amount) => State.Value += amount;

        public async Task<int> AddLater(int amount)
        {
            await Task.Yield();
            return Add(amount);
        }

        public async ValueTask<int> AddSoon(int amount)
        {
            await Task.Yield();
            return Add(amount);
        }

        public async Task WaitOnly(int amount)
        {
            await Task.Yield();
            Add(amount);
        }

        public void Nothing(int amount) => Add(amount);

        public string Describe(TaskEntityContext context, TaskEntityOperation operation, int input = 42) =>
            $"{context.Id} {operation.Name} {input}";

        public void Two(int first, int second) => Add(first + second);

        public void Overloaded(int input) => Add(input);

        public void Overloaded(string input) => Add(input.Length);

        public void Fail()
        {
            State.Value = -1;
            throw new InvalidDataException("no");
        }

        protected override Count InitializeState(TaskEntityOperation entityOperation) => new() { Value = 100 };
    }

    private sealed class Operation(string name, string? input, string? state) : TaskEntityOperation
    {
        private readonly Store store = new(state);

        public override string Name => name;

        public override TaskEntityContext Context { get; } = new Here();

        public override TaskEntityState State => store;

        public override bool HasInput => input is not null;

        public string? Stored => store.Json;

        public bool WasStored => store.Written;

        public override object? GetInput(Type inputType) => input is null ? null : JsonSerializer.Deserialize(input, inputType);
    }

    private sealed class Store(string? json) : TaskEntityState
    {
        public string? Json { get; private set; } = json;

        public bool Written { get; private set; }

        public override bool HasState => Json is not null;

        public override object? GetState(Type type) => Json is null ? null : JsonSerializer.Deserialize(Json, type);

        public override void SetState(object? state) => (Json, Written) = (state is null ? null : JsonSerializer.Serialize(state), true);
    }

    private sealed class Here : TaskEntityContext
    {
        public override EntityInstanceId Id { get; } = new("Counter", "Key");

        public override void SignalEntity(EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null) =>
            throw new NotSupportedException();

        public override string ScheduleNewOrchestration(
            Microsoft.DurableTask.TaskName name, object? input = null, Microsoft.DurableTask.StartOrchestrationOptions? options = null) =>
            throw new NotSupportedException();
    }
}
