using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Discovery;

/// <summary>Finds the functions of an assembly as the real host's metadata generator would, and refuses what this host cannot run.</summary>
internal static class FunctionCatalog
{
    /// <summary>Functions in the order of their names.</summary>
    /// <exception cref="SettingException">A function has no trigger, two of them, an unsupported one, or its name is taken.</exception>
    public static IReadOnlyList<FunctionMethod> Find(IEnumerable<Type> types)
    {
        var found = new SortedDictionary<string, FunctionMethod>(StringComparer.OrdinalIgnoreCase);
        foreach (var method in types.SelectMany(Methods))
        {
            if (method.GetCustomAttribute<FunctionAttribute>() is not { } attribute)
                continue;
            if (!found.TryAdd(attribute.Name, Describe(attribute.Name, method)))
                throw new SettingException($"Two functions are named {attribute.Name}; rename one in its [Function] attribute.");
        }

        return [.. found.Values];
    }

    private static MethodInfo[] Methods(Type type) => type.GetMethods(
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly);

    private static FunctionMethod Describe(string name, MethodInfo method)
    {
        var triggers = method.GetParameters()
            .Select(p => (Parameter: p, Trigger: p.GetCustomAttribute<TriggerBindingAttribute>())).Where(p => p.Trigger is not null).ToList();
        if (triggers is not [var (parameter, trigger)])
            throw new SettingException($"The function {name} has {triggers.Count} triggers; it must have one.");
        var retry = method.GetCustomAttribute<RetryAttribute>();
        switch (trigger)
        {
            case KafkaTriggerAttribute kafka when parameter.ParameterType != (kafka.IsBatched ? typeof(KafkaRecord[]) : typeof(KafkaRecord)):
                throw new SettingException($"The function {name} takes {parameter.ParameterType.Name} from Kafka; this host gives KafkaRecord, or KafkaRecord[] with IsBatched = true.");
            case KafkaTriggerAttribute or TimerTriggerAttribute:
                break;
            case HttpTriggerAttribute or EntityTriggerAttribute when retry is not null:
                throw new SettingException($"The function {name} has a retry attribute, which only Kafka and timer triggers honour; remove it.");
            case HttpTriggerAttribute or EntityTriggerAttribute:
                break;
            default:
                throw new SettingException($"The function {name} has a {trigger!.GetType().Name}, which this host does not run.");
        }

        return new FunctionMethod(name, method, trigger!, parameter, retry);
    }
}
