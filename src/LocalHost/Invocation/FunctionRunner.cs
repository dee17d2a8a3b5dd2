using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Discovery;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Invocation;

/// <summary>Calls one function: a scope and an instance per invocation, parameters bound by attribute and type.</summary>
internal sealed class FunctionRunner
{
    private static readonly Dictionary<string, object?> NoData = [];

    private readonly IServiceScopeFactory scopes;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly RetryPolicy retry;
    private readonly Func<Call, object?>[] bindings;
    private readonly ObjectFactory? instance;

    /// <param name="function">The function.</param>
    /// <param name="services">The container that instances and clients come from.</param>
    /// <param name="time">Clock of retry delays.</param>
    /// <param name="extra">Binds what the trigger adds to the common parameters; null when it cannot bind the given one.</param>
    /// <exception cref="SettingException">A parameter cannot be bound.</exception>
    public FunctionRunner(
        FunctionMethod function, IServiceProvider services, TimeProvider time, Func<ParameterInfo, Func<object?, object?>?>? extra = null)
    {
        Function = function;
        this.time = time;
        scopes = services.GetRequiredService<IServiceScopeFactory>();
        logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Function." + function.Name);
        retry = RetryPolicy.From(function.Retry, function.Name);
        bindings = [.. function.Method.GetParameters().Select(p => Bind(p, extra))];
        if (!function.Method.IsStatic)
            instance = ActivatorUtilities.CreateFactory(function.Method.DeclaringType!, []);
    }

    public FunctionMethod Function { get; }

    /// <summary>Runs the function once and returns what it returned, awaited.</summary>
    public async Task<object?> RunOnceAsync(object? trigger, RetryState? attempt, Action<FunctionContext>? prepare, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = new HostFunctionContext(Function, scope.ServiceProvider, attempt, NoData, cancel);
        prepare?.Invoke(context);
        var call = new Call(trigger, context);
        var target = instance?.Invoke(scope.ServiceProvider, []);
        try
        {
            var arguments = Array.ConvertAll(bindings, bind => bind(call));
            return await Unwrap(Function.Method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null));
        }
        finally
        {
            if (target is IAsyncDisposable asyncDisposable)
                await asyncDisposable.DisposeAsync();
            else if (target is IDisposable disposable)
                disposable.Dispose();
        }
    }

    /// <summary>Runs the function under its retry policy. False: it failed for good and the failure is logged.</summary>
    /// <param name="trigger">What the trigger brings.</param>
    /// <param name="stopping">Signalled when the host stops: a running attempt goes on, none begins.</param>
    /// <param name="cancel">Given to the function: it must end now.</param>
    /// <exception cref="OperationCanceledException">Cancelled while it ran, or stopped while it waited for a retry.</exception>
    public async Task<bool> RunAsync(object? trigger, CancellationToken stopping, CancellationToken cancel)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await RunOnceAsync(trigger, Function.Retry is null ? null : new RetryState(attempt, retry.MaxRetries), null, cancel);
                return true;
            }
            catch (Exception e) when (!cancel.IsCancellationRequested)
            {
                if (!retry.Allows(attempt + 1))
                {
                    logger.LogError(e, "{Function} failed, attempt {Attempt} and last: {Message}", Function.Name, attempt + 1, e.Message);
                    return false;
                }

                var delay = retry.Delay(attempt + 1);
                logger.LogWarning(e, "{Function} failed, attempt {Attempt}; again in {Delay}: {Message}", Function.Name, attempt + 1, delay, e.Message);
                await Task.Delay(delay, time, stopping);
                stopping.ThrowIfCancellationRequested();
            }
        }
    }

    private Func<Call, object?> Bind(ParameterInfo parameter, Func<ParameterInfo, Func<object?, object?>?>? extra)
    {
        if (extra?.Invoke(parameter) is { } bind)
            return call => bind(call.Trigger);
        if (parameter == Function.TriggerParameter)
            return call => call.Trigger;
        if (parameter.ParameterType == typeof(FunctionContext))
            return call => call.Context;
        if (parameter.ParameterType == typeof(CancellationToken))
            return call => call.Context.CancellationToken;
        if (parameter.IsDefined(typeof(DurableClientAttribute)) && parameter.ParameterType == typeof(DurableTaskClient))
            return call => call.Context.InstanceServices.GetRequiredService<DurableTaskClient>();
        throw new SettingException($"The function {Function.Name}: its parameter {parameter.Name} ({parameter.ParameterType.Name}) cannot be bound.");
    }

    private static async Task<object?> Unwrap(object? returned)
    {
        switch (returned)
        {
            case Task task:
                await task;
                return task.GetType().GetProperty("Result") is { } result && result.PropertyType.Name != "VoidTaskResult" ? result.GetValue(task) : null;
            case ValueTask task:
                await task;
                return null;
            case not null when returned.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(ValueTask<>):
                return await Unwrap(type.GetMethod("AsTask")!.Invoke(returned, null));
            default:
                return returned;
        }
    }

    private readonly record struct Call(object? Trigger, FunctionContext Context);
}
