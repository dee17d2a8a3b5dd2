using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Entities;
using Tidemark.LocalHost.Discovery;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Entities;

/// <summary>
/// Entity names and the classes behind them: the class that declares the function with <see cref="EntityTriggerAttribute"/>. It is run directly,
/// since only the real worker can make a dispatcher.
/// </summary>
internal static class EntityKinds
{
    /// <exception cref="SettingException">The declaring class is no entity.</exception>
    public static IReadOnlyDictionary<string, Type> From(IEnumerable<FunctionMethod> functions)
    {
        var kinds = new Dictionary<string, Type>();
        foreach (var function in functions)
        {
            if (function.Trigger is not EntityTriggerAttribute trigger)
                continue;
            var type = function.Method.DeclaringType!;
            if (type.IsAbstract || !typeof(ITaskEntity).IsAssignableFrom(type))
                throw new SettingException($"The function {function.Name}: {type.Name} must be a TaskEntity<T> class to be run as entity here.");
            kinds[(trigger.EntityName ?? function.Name).ToLowerInvariant()] = type;
        }

        return kinds;
    }
}
