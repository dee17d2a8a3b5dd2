using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.DependencyInjection;

namespace Tidemark.Feed.Tests.StandIns;

public class DispatcherTests
{
    [Fact]
    public async Task An_entity_type_is_created_with_its_dependencies()
    {
        var services = new ServiceCollection().AddSingleton("dependency").BuildServiceProvider();
        var dispatcher = new TaskEntityDispatcher(new Named("Op"), services);

        await dispatcher.DispatchAsync<Entity>();

        Assert.Equal("dependency Op", dispatcher.Result);
    }

    [Fact]
    public async Task Any_other_type_is_the_state_and_a_delegate_is_called()
    {
        var services = new ServiceCollection().BuildServiceProvider();
        var state = new TaskEntityDispatcher(new Named("Double"), services);
        var handler = new TaskEntityDispatcher(new Named("x"), services);

        await state.DispatchAsync<EntityDispatchTests.Count>();
        await handler.DispatchAsync(operation => ValueTask.FromResult<object?>(operation.Name + "!"));

        Assert.Equal(42, ((EntityDispatchTests.Count)((Kept)state.Operation.State).State!).Value);
        Assert.Equal("x!", handler.Result);
    }

    private sealed class Entity(string dependency) : ITaskEntity
    {
        public ValueTask<object?> RunAsync(TaskEntityOperation operation) => ValueTask.FromResult<object?>($"{dependency} {operation.Name}");
    }

    private sealed class Named(string name) : TaskEntityOperation
    {
        public override string Name => name;

        public override TaskEntityContext Context => null!;

        public override TaskEntityState State { get; } = new Kept { State = new EntityDispatchTests.Count { Value = 21 } };

        public override bool HasInput => false;

        public override object? GetInput(Type inputType) => null;
    }

    private sealed class Kept : TaskEntityState
    {
        public object? State { get; set; }

        public override bool HasState => State is not null;

        public override object? GetState(Type type) => State;

        public override void SetState(object? state) => State = state;
    }
}
