using System.Text.Json.Nodes;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>Every resource that can have tags has azd's, and azd finds the app by the service's name.</summary>
internal static class TagCheck
{
    private static readonly string[] Untagged =
    [
        "Microsoft.Authorization/roleAssignments", "Microsoft.Insights/diagnosticSettings", "Microsoft.KeyVault/vaults/secrets",
        "Microsoft.EventHub/namespaces/eventhubs", "Microsoft.EventHub/namespaces/authorizationRules", "Microsoft.EventHub/namespaces/eventhubs/authorizationRules",
    ];

    public static IReadOnlyList<string> Problems(BicepProject project, JsonNode azd)
    {
        var problems = new List<string>();
        foreach (var file in project.Files.Values)
            foreach (var resource in file.Resources.Where(r => !r.IsExisting && !r.IsNested && !Untagged.Contains(r.Type)))
                if (resource.Body.Property("tags") is not { } tags || !tags.All().Any(n => n.Type == "identifier" && n.Text == "tags"))
                    problems.Add($"{file.Name}:{resource.Node.Line} '{resource.Symbol}' has not the tags of the environment");
        var main = project["main.bicep"];
        if (main.Variables.GetValueOrDefault("tags")?.Property("azd-env-name")?.Text != "environmentName")
            problems.Add("main.bicep: the variable 'tags' has no azd-env-name with the environment's name");
        foreach (var (name, _) in azd["services"]!.AsObject())
        {
            var given = main.Modules.Where(m => m.File.EndsWith("app.bicep", StringComparison.Ordinal)).Select(m => m.Body.Property("params")?.Property("serviceName")?.Literal);
            if (!given.Contains(name) || !project["modules/app.bicep"].Resources.Any(r => r.Type == "Microsoft.Web/sites" && r.Body.All().Any(n => n.Type == "object_property" && n.Text == "'azd-service-name': serviceName")))
                problems.Add($"azure.yaml: no site has the tag azd-service-name '{name}'");
        }

        return problems;
    }
}
