using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Azure.Functions.Worker;

[AttributeUsage(AttributeTargets.Parameter)]
public sealed class EntityTriggerAttribute : TriggerBindingAttribute
{
    /// <summary>The function's name when null.</summary>
    public string? EntityName { get; set; }
}

public sealed class DurableClientAttribute : InputBindingAttribute
{
    public string? TaskHub { get; set; }

    public string? ConnectionName { get; set; }
}

/// <summary>Hands one operation to the entity that the function names. Made by the host only.</summary>
public sealed class TaskEntityDispatcher
{
    private readonly TaskEntityOperation operation;
    private readonly IServiceProvider services;

    internal TaskEntityDispatcher(TaskEntityOperation operation, IServiceProvider services)
    {
        this.operation = operation;
        this.services = services;
    }

    internal TaskEntityOperation Operation => operation;

    internal object? Result { get; private set; }

    public async Task DispatchAsync(ITaskEntity entity) => Result = await entity.RunAsync(operation);

    /// <summary>An entity type is created with its dependencies; any other type is taken for the state of an entity.</summary>
    public Task DispatchAsync<T>() => typeof(ITaskEntity).IsAssignableFrom(typeof(T))
        ? DispatchAsync((ITaskEntity)ActivatorUtilities.GetServiceOrCreateInstance<T>(services)!)
        : DispatchAsync(new StateEntity<T>());

    public Task DispatchAsync(Func<TaskEntityOperation, ValueTask<object?>> handler) => DispatchAsync(new HandlerEntity(handler));

    private sealed class StateEntity<TState> : TaskEntity<TState>
    {
        protected override bool AllowStateDispatch => true;
    }

    private sealed class HandlerEntity(Func<TaskEntityOperation, ValueTask<object?>> handler) : ITaskEntity
    {
        public ValueTask<object?> RunAsync(TaskEntityOperation operation) => handler(operation);
    }
}
