using System.Text.Json;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>
/// What the app's identity may do follows from its settings: each address of a service in them needs a role on the account that the address belongs
/// to, each reference to the vault, the scheduler and Application Insights one there. No assignment may be missing, and none be more than that.
/// </summary>
internal static class RoleCheck
{
    // The role by connection and service. The host wants Owner on its own blobs; everything else is reading and writing data.
    private static readonly Dictionary<(string Connection, string Service), string> Needed = new()
    {
        [("AzureWebJobsStorage", "blob")] = "storageBlobDataOwner",
        [("AzureWebJobsStorage", "queue")] = "storageQueueDataContributor",
        [("AzureWebJobsStorage", "table")] = "storageTableDataContributor",
        [("TablesConnection", "table")] = "storageTableDataContributor",
        [("ResultsConnection", "table")] = "storageTableDataContributor",
        [("LakeConnection", "blob")] = "storageBlobDataContributor",
    };

    public static IReadOnlyList<string> Problems(BicepProject project)
    {
        var problems = new List<string>();
        var needed = Needs(project, problems);
        var granted = Grants(project, problems);
        problems.AddRange(needed.Except(granted).Select(n => $"the app has no {n.Role} on {n.Scope}"));
        problems.AddRange(granted.Except(needed).Select(g => $"the app has {g.Role} on {g.Scope}, which nothing needs"));
        return problems;
    }

    private static HashSet<(string Scope, string Role)> Needs(BicepProject project, List<string> problems)
    {
        var needs = new HashSet<(string, string)>();
        foreach (var (name, value) in BicepSettings.Of(project))
        {
            var text = value.Text;
            if (text.Contains("@Microsoft.KeyVault(", StringComparison.Ordinal))
                needs.Add(("vault", "keyVaultSecretsUser"));
            if (text.Contains("Authorization=AAD", StringComparison.Ordinal))
                needs.Add(("appInsights", "monitoringMetricsPublisher"));
            if (text.Contains("Authentication=ManagedIdentity", StringComparison.Ordinal))
                needs.Add(("scheduler", "durableTaskDataContributor"));
            if (!name.EndsWith("ServiceUri", StringComparison.Ordinal))
                continue;
            var connection = name[..name.IndexOf("__", StringComparison.Ordinal)];
            var service = name[(connection.Length + 2)..^"ServiceUri".Length];
            if (!Needed.TryGetValue((connection, service), out var role))
                problems.Add($"modules/app.bicep:{value.Line} it is not known which role {name} needs");
            else if (Account(project, text) is not { } account)
                problems.Add($"modules/app.bicep:{value.Line} {name} is not the address of one of our accounts");
            else if (account.Service != service)
                problems.Add($"modules/app.bicep:{value.Line} {name} is the address of a {account.Service} service");
            else
                needs.Add((account.Symbol, role));
        }

        return needs;
    }

    // From the parameter of app.bicep through main.bicep to the account in storage.bicep.
    private static (string Symbol, string Service)? Account(BicepProject project, string parameter)
    {
        var given = project["main.bicep"].Modules.First(m => m.Symbol == "app").Body.Property("params")?.Property(parameter)?.Text;
        if (given is null || !given.StartsWith("storage.outputs.", StringComparison.Ordinal))
            return null;
        var parts = project["modules/storage.bicep"].Outputs.FirstOrDefault(o => o.Name == given["storage.outputs.".Length..])?.Value.Text.Split('.');
        return parts is [var symbol, "properties", "primaryEndpoints", var service] ? (symbol, service) : null;
    }

    private static HashSet<(string Scope, string Role)> Grants(BicepProject project, List<string> problems)
    {
        var file = project["modules/roles.bicep"];
        var main = project["main.bicep"].Modules.First(m => m.Symbol == "roles").Body.Property("params")!;
        var grants = new HashSet<(string, string)>();
        foreach (var assignment in file.Resources.Where(r => r.Type == "Microsoft.Authorization/roleAssignments"))
        {
            var properties = assignment.Body.Property("properties")!;
            var role = properties.Property("roleDefinitionId")!.Arguments[^1].Text;
            var scope = assignment.Body.Property("scope")?.Text ?? "(resource group)";
            var name = assignment.Body.Property("name")!;
            var principal = properties.Property("principalId")!.Text;
            if (name.Function != "guid" || !name.Arguments.Select(a => a.Text).SequenceEqual([scope + ".id", principal, role]))
                problems.Add($"{file.Name}:{assignment.Node.Line} the name of '{assignment.Symbol}' does not follow from its scope, principal and role");
            if (file.Resources.FirstOrDefault(r => r.Symbol == scope) is not { IsExisting: true } target)
                problems.Add($"{file.Name}:{assignment.Node.Line} '{assignment.Symbol}' reaches further than one resource");
            else if (scope is "host" or "lake" or "results" && main.Property(target.Body.Property("name")!.Text)?.Text != $"storage.outputs.{scope}AccountName")
                problems.Add($"{file.Name}:{target.Node.Line} '{scope}' is not the account of that name");
            if (principal == "appPrincipalId")
                grants.Add((scope, role["role.".Length..]));
            else if (!role.EndsWith("Reader", StringComparison.Ordinal))
                problems.Add($"{file.Name}:{assignment.Node.Line} '{assignment.Symbol}' lets people do more than read");
        }

        return grants;
    }
}
