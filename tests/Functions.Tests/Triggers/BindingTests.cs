using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.DurableTask.Client;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Tests.Triggers;

/// <summary>What the host would only say at run time: bindings, names of settings, authorization levels.</summary>
public sealed partial class BindingTests
{
    private static readonly MethodInfo[] Functions =
    [
        .. typeof(Composition).Assembly.GetTypes().SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(m => m.IsDefined(typeof(FunctionAttribute))),
    ];

    [Fact]
    public void The_functions_are_these() => Assert.Equal(
        ["Alerts", "Also", "Assets", "Drain", "Entities", "Fraud", "Health", "Home", "Ingest", "IngestPurchases", "IngestSensors", "Maintain", "OpenApi", "Overview", "Partitions", "Progress", "Quarantine", "Queries", "QueryRows", "Recommendations", "Replay", "Sessions", "Slices", "Status", "Table", "Tables", "Tick", "Timeline"],
        Functions.Select(m => m.GetCustomAttribute<FunctionAttribute>()!.Name).Order());

    [Fact]
    public void Every_function_is_public_and_has_exactly_one_trigger() => Assert.All(Functions, method =>
    {
        Assert.True(method.DeclaringType!.IsPublic);
        Assert.Single(method.GetParameters(), p => p.GetCustomAttributes().Any(a => a is TriggerBindingAttribute));
        Assert.True(method.IsStatic || method.DeclaringType.GetConstructors().Length == 1);
    });

    [Fact]
    public void Settings_named_in_bindings_are_known()
    {
        var named = Functions.SelectMany(m => m.GetParameters()).SelectMany(p => p.CustomAttributes)
            .SelectMany(a => a.ConstructorArguments.Select(c => c.Value).Concat(a.NamedArguments.Select(n => n.TypedValue.Value)))
            .OfType<string>().SelectMany(text => Reference().Matches(text)).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.NotEmpty(named);
        Assert.Subset(Settings.All.Select(s => s.Name).ToHashSet(), named.ToHashSet());
    }

    [Theory]
    [InlineData("Ingest", "%KafkaTopic%", "%KafkaGroup%")]
    [InlineData("IngestSensors", "%SensorsTopic%", "%KafkaGroup%-sensors")]
    [InlineData("IngestPurchases", "%PurchasesTopic%", "%KafkaGroup%-purchases")]
    public void The_Kafka_triggers_take_whole_records_in_batches_with_raw_keys_and_retry_for_ever(string function, string topic, string group)
    {
        var method = Functions.Single(m => m.GetCustomAttribute<FunctionAttribute>()!.Name == function);
        var parameter = method.GetParameters().Single(p => p.IsDefined(typeof(KafkaTriggerAttribute)));
        var trigger = parameter.GetCustomAttribute<KafkaTriggerAttribute>()!;
        Assert.Equal(typeof(KafkaRecord[]), parameter.ParameterType);
        Assert.True(trigger.IsBatched);
        Assert.Equal((KafkaMessageKeyType.Binary, topic, group), (trigger.KeyDataType, trigger.Topic, trigger.ConsumerGroup));
        Assert.Equal(-1, method.GetCustomAttribute<ExponentialBackoffRetryAttribute>()!.MaxRetryCount);
        Assert.Contains(trigger.BrokerList, Settings.All.Select(s => s.Name));
    }

    [Fact]
    public void Nothing_beside_a_record_trigger_holds_an_expression_which_would_switch_deferred_binding_off()
    {
        foreach (var method in Functions.Where(m => m.GetParameters().Any(p => p.ParameterType == typeof(KafkaRecord[]))))
            foreach (var text in method.GetParameters().SelectMany(p => p.CustomAttributes).SelectMany(a => a.ConstructorArguments).Select(c => c.Value).OfType<string>())
                Assert.DoesNotContain("{", text);
    }

    [Fact]
    public void Authorization_levels_are_stated_and_data_needs_a_key()
    {
        var levels = new Dictionary<string, AuthorizationLevel>();
        foreach (var method in Functions)
            foreach (var trigger in method.GetParameters().SelectMany(p => p.CustomAttributes).Where(a => a.AttributeType == typeof(HttpTriggerAttribute)))
            {
                Assert.Equal(typeof(AuthorizationLevel), trigger.ConstructorArguments[0].ArgumentType);
                levels[method.GetCustomAttribute<FunctionAttribute>()!.Name] = (AuthorizationLevel)trigger.ConstructorArguments[0].Value!;
            }

        Assert.Equal(["Assets", "Health", "Home"], levels.Where(l => l.Value == AuthorizationLevel.Anonymous).Select(l => l.Key).Order());
        Assert.Equal(["Drain"], levels.Where(l => l.Value == AuthorizationLevel.Admin).Select(l => l.Key));
        Assert.All(levels.Values, level => Assert.True(level is AuthorizationLevel.Anonymous or AuthorizationLevel.Function or AuthorizationLevel.Admin));
    }

    [Fact]
    public void A_durable_client_is_bound_to_a_client_and_an_entity_trigger_to_a_dispatcher()
    {
        foreach (var parameter in Functions.SelectMany(m => m.GetParameters()))
        {
            if (parameter.IsDefined(typeof(DurableClientAttribute)))
                Assert.Equal(typeof(DurableTaskClient), parameter.ParameterType);
            if (parameter.IsDefined(typeof(EntityTriggerAttribute)))
                Assert.Equal(typeof(TaskEntityDispatcher), parameter.ParameterType);
        }
    }

    [GeneratedRegex("%([^%]+)%")]
    private static partial Regex Reference();
}
