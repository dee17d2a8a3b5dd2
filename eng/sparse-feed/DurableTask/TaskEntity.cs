using System.Reflection;

namespace Microsoft.DurableTask.Entities;

public interface ITaskEntity
{
    ValueTask<object?> RunAsync(TaskEntityOperation operation);
}

/// <summary>
/// Operations are public instance methods, found by name without regard to case, inherited ones included.
/// <list type="bullet">
/// <item>Binding: one <see cref="TaskEntityContext"/>, one <see cref="TaskEntityOperation"/> and one input at most. A missing input
/// takes the parameter's default value, or fails with <see cref="InvalidOperationException"/>.</item>
/// <item>Order: the entity, then its state where <see cref="AllowStateDispatch"/> says so, then the implicit <c>delete</c>, else
/// <see cref="NotSupportedException"/>. Overloads fail with <see cref="AmbiguousMatchException"/>.</item>
/// <item>State: read before the operation, initialised when absent, written after it; null deletes it. When the operation
/// throws nothing is written.</item>
/// </list>
/// </summary>
public abstract class TaskEntity<TState> : ITaskEntity
{
    protected virtual bool AllowStateDispatch => false;

    protected TState State { get; set; } = default!;

    protected TaskEntityContext Context { get; private set; } = null!;

    public ValueTask<object?> RunAsync(TaskEntityOperation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        Context = operation.Context;
        var isDelete = string.Equals(operation.Name, "delete", StringComparison.OrdinalIgnoreCase);
        try
        {
            State = operation.State.GetState(typeof(TState)) is TState stored ? stored : InitializeState(operation);
        }
        catch (Exception) when (isDelete)
        {
            // State that no longer deserialises must still be deletable.
            operation.State.SetState(null);
            return default;
        }

        var method = OperationDispatch.Find(this, operation);
        object? target = this;
        if (method is null && AllowStateDispatch)
        {
            target = State ?? throw new InvalidOperationException($"{operation} cannot be dispatched to the state, which is null.");
            method = OperationDispatch.Find(target, operation);
        }

        if (method is not null)
            return RunAsync(method, target, operation);
        if (!isDelete)
            throw new NotSupportedException($"{operation}: {GetType().Name} has no public method of this name.");
        operation.State.SetState(null);
        return default;
    }

    protected virtual TState InitializeState(TaskEntityOperation entityOperation) =>
        (TState)Activator.CreateInstance(Nullable.GetUnderlyingType(typeof(TState)) ?? typeof(TState))!;

    private async ValueTask<object?> RunAsync(MethodInfo method, object target, TaskEntityOperation operation)
    {
        var result = await OperationDispatch.InvokeAsync(method, target, operation);
        operation.State.SetState(State);
        return result;
    }
}

/// <summary>Finds, binds and runs the method of an operation.</summary>
internal static class OperationDispatch
{
    public static MethodInfo? Find(object target, TaskEntityOperation operation) => target.GetType().GetMethod(
        operation.Name, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);

    public static async ValueTask<object?> InvokeAsync(MethodInfo method, object target, TaskEntityOperation operation)
    {
        var returned = method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, Bind(method, operation), null);
        var type = method.ReturnType;
        switch (returned)
        {
            case Task task:
                await task;
                return type.IsGenericType ? type.GetProperty("Result")!.GetValue(task) : null;
            case ValueTask task:
                await task;
                return null;
            case not null when type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>):
                var asTask = (Task)type.GetMethod("AsTask")!.Invoke(returned, null)!;
                await asTask;
                return asTask.GetType().GetProperty("Result")!.GetValue(asTask);
            default:
                return returned;
        }
    }

    private static object?[] Bind(MethodInfo method, TaskEntityOperation operation)
    {
        var parameters = method.GetParameters();
        var arguments = new object?[parameters.Length];
        var bound = new HashSet<string>();
        for (var i = 0; i < parameters.Length; i++)
        {
            var parameter = parameters[i];
            var (role, value) = parameter.ParameterType == typeof(TaskEntityContext) ? ("context", operation.Context)
                : parameter.ParameterType == typeof(TaskEntityOperation) ? ("operation", operation)
                : ("input", (object?)null);
            if (!bound.Add(role))
                throw new InvalidOperationException($"{operation}: {method.Name} takes the {role} twice; '{parameter.Name}' is one too many.");
            arguments[i] = role == "input" ? Input(parameter, operation) : value;
        }

        return arguments;
    }

    private static object? Input(ParameterInfo parameter, TaskEntityOperation operation)
    {
        if (operation.HasInput)
            return operation.GetInput(parameter.ParameterType);
        return parameter.HasDefaultValue ? parameter.DefaultValue : throw new InvalidOperationException(
            $"{operation}: the parameter '{parameter.Name}' needs an input and the signal brought none.");
    }
}
