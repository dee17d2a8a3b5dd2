using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Tidemark.Functions;
using Tidemark.Functions.Configuration;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>App settings in Bicep, in the sample for local use, and in the code are the same, and the code accepts their values.</summary>
internal static partial class SettingsCheck
{
    // Read by the host, not by our code.
    private static readonly string[] OfTheHost =
    [
        "AzureWebJobsStorage", "AzureWebJobsDisableHomepage", "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "AzureWebJobs.IngestSensors.Disabled", "AzureWebJobs.IngestPurchases.Disabled",
    ];

    // Only where there is no functionAppConfig to say so (Core Tools), or only where there is.
    private static readonly string[] OfCoreTools = ["FUNCTIONS_WORKER_RUNTIME"];
    private static readonly string[] OnAzureOnly = ["APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"];

    // What the Kafka extension and the durable storage provider know; a misspelt override would be ignored without a word.
    private static readonly string[] HostPaths =
    [
        "extensions__kafka__sessionTimeoutMs", "extensions__durableTask__storageProvider__type", "extensions__durableTask__storageProvider__connectionName",
        "extensions__durableTask__storageProvider__connectionStringName", "extensions__durableTask__storageProvider__maxQueuePollingInterval",
        "extensions__durableTask__storageProvider__partitionCount",
    ];

    public static IReadOnlyList<string> Problems(BicepProject project, JsonNode sample, string hostJson)
    {
        var problems = new List<string>();
        var bicep = BicepSettings.Of(project);
        var values = sample["Values"]!.AsObject();
        var code = Settings.All.Select(s => s.Name).Concat(Bindings()).Concat(HostReferences(hostJson)).Distinct().ToList();
        foreach (var name in code)
        {
            if (!bicep.Any(b => Base(b.Name) == name))
                problems.Add($"modules/app.bicep does not set {name}, which the code reads");
            if (!values.Any(v => Base(v.Key) == name))
                problems.Add($"local.settings.sample.json does not set {name}, which the code reads");
        }

        foreach (var (name, value) in bicep)
            if (!IsRead(name, OfTheHost))
                problems.Add($"modules/app.bicep:{value.Line} nothing reads {name}");
        foreach (var (name, _) in values)
            if (!IsRead(name, [.. OfTheHost.Except(OnAzureOnly), .. OfCoreTools]))
                problems.Add($"local.settings.sample.json: nothing reads {name}");
        foreach (var twice in bicep.GroupBy(b => b.Name).Where(g => g.Count() > 1))
            problems.Add($"modules/app.bicep:{twice.Last().Value.Line} {twice.Key} is set twice");
        foreach (var (name, value) in bicep)
            if (value.Literal is { Length: > 0 } literal && Settings.All.FirstOrDefault(s => s.Name == name) is { Default: not "required" } setting && name != Settings.Names.KafkaProtocol && literal != setting.Default)
                problems.Add($"modules/app.bicep:{value.Line} {name} is '{literal}' where the default is '{setting.Default}'; a choice belongs in presets.json");
        foreach (var preset in project.Json("presets.json").AsObject().Select(p => p.Key))
            foreach (var isEventHubs in new[] { true, false })
                if (Refusal(BicepSettings.Values(project, preset, isEventHubs)) is { } why)
                    problems.Add($"preset {preset}: {why}");
        if (Refusal(values.ToDictionary(v => v.Key, v => v.Value?.ToString())) is { } wrong)
            problems.Add($"local.settings.sample.json: {wrong}");
        return problems;

        bool IsRead(string name, string[] host) => code.Contains(Base(name)) || host.Contains(Base(name))
            || (name.StartsWith("AzureFunctionsJobHost__", StringComparison.Ordinal) && HostPaths.Contains(name["AzureFunctionsJobHost__".Length..]));
    }

    /// <summary>Names that bindings refer to: in percent signs, and those of the Kafka trigger, which the host looks up as settings.</summary>
    public static IEnumerable<string> Bindings()
    {
        foreach (var parameter in typeof(Composition).Assembly.GetTypes().SelectMany(t => t.GetMethods()).Where(m => m.IsDefined(typeof(FunctionAttribute))).SelectMany(m => m.GetParameters()))
        {
            foreach (var text in parameter.CustomAttributes.SelectMany(a => a.ConstructorArguments.Select(c => c.Value).Concat(a.NamedArguments.Select(n => n.TypedValue.Value))).OfType<string>())
                foreach (Match match in Reference().Matches(text))
                    yield return match.Groups[1].Value;
            if (parameter.GetCustomAttribute<KafkaTriggerAttribute>() is { } kafka)
                foreach (var name in new[] { kafka.BrokerList, kafka.Username, kafka.Password }.Where(n => !string.IsNullOrEmpty(n)))
                    yield return name!;
        }
    }

    /// <summary>Names that host.json refers to: in percent signs, and as connections.</summary>
    public static IEnumerable<string> HostReferences(string hostJson) =>
        Reference().Matches(hostJson).Concat(Connection().Matches(hostJson)).Select(m => m.Groups[1].Value);

    // As the app would start with them; null when it would.
    private static string? Refusal(Dictionary<string, string?> settings)
    {
        // As environment variables are read: two underscores part the levels.
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key.Replace("__", ":", StringComparison.Ordinal), s.Value))).Build();
        try
        {
            new Microsoft.Extensions.DependencyInjection.ServiceCollection().AddTidemark(configuration);
            return null;
        }
        catch (InvalidSettingException e)
        {
            return e.Message;
        }
    }

    private static string Base(string name) => name.Split("__")[0];

    [GeneratedRegex("%([A-Za-z_]+)%")]
    private static partial Regex Reference();

    [GeneratedRegex("\"connection(?:String)?Name\"\\s*:\\s*\"(\\w+)\"")]
    private static partial Regex Connection();
}
