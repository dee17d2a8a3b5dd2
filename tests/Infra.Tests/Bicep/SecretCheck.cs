namespace Tidemark.Infra.Tests.Bicep;

/// <summary>No secret leaves: outputs hold none, secure parameters go to secure parameters only, have no value in a file, and reach nothing else.</summary>
internal static class SecretCheck
{
    private static readonly string[] SecretMembers = ["ConnectionString", "InstrumentationKey", "primaryConnectionString", "secondaryConnectionString", "primaryKey", "secondaryKey", "keys"];

    public static IReadOnlyList<string> Problems(BicepProject project)
    {
        var problems = new List<string>();
        foreach (var file in project.Files.Values)
        {
            foreach (var output in file.Outputs)
                if (Secret(file, output.Value) is { } why)
                    problems.Add($"{file.Name}:{output.Node.Line} output '{output.Name}' gives away {why}");
            foreach (var parameter in file.Parameters.Where(p => p.IsSecure && p.Default is not null && p.Default.Literal != ""))
                problems.Add($"{file.Name}:{parameter.Node.Line} secure parameter '{parameter.Name}' has a value in the file");
            foreach (var module in file.Modules)
                foreach (var (name, value, property) in module.Body.Property("params")?.Objects().SelectMany(o => o.Properties()) ?? [])
                    if (Secret(file, value) is { } why && project.Files.GetValueOrDefault(BicepProject.Beside(file.Name, module.File))?.Parameters.FirstOrDefault(p => p.Name == name) is { IsSecure: false })
                        problems.Add($"{file.Name}:{property.Line} {why} goes to '{name}', which is not secure and shows in the deployment's history");
            foreach (var parameter in file.Parameters.Where(p => !p.IsSecure && p.Type == "string" && p.Name.Contains("password", StringComparison.OrdinalIgnoreCase)))
                problems.Add($"{file.Name}:{parameter.Node.Line} parameter '{parameter.Name}' should be secure");
        }

        var secure = project["main.bicep"].Parameters.Where(p => p.IsSecure).Select(p => p.Name).ToHashSet();
        foreach (var (name, value) in project.Json("main.parameters.json")["parameters"]!.AsObject())
            if (secure.Contains(name) && !System.Text.RegularExpressions.Regex.IsMatch(value!["value"]!.ToString(), @"^\$\{\w+=?\}$"))
                problems.Add($"main.parameters.json: '{name}' has a value in the file");
        return problems;
    }

    // What in the expression is secret, seen through variables; null when nothing is.
    private static string? Secret(BicepFile file, Node value)
    {
        var secure = file.Parameters.Where(p => p.IsSecure).Select(p => p.Name).ToHashSet();
        foreach (var node in value.All())
        {
            if (node.Function is { } function && (function.StartsWith("list", StringComparison.Ordinal) || function == "getSecret"))
                return $"what {function} returns";
            if (node.Type == "member_expression" && SecretMembers.Contains(node.Children[1].Text))
                return node.Text;
            if (node.Type == "identifier" && secure.Contains(node.Text))
                return $"secure parameter '{node.Text}'";
            if (node.Type == "identifier" && file.Variables.TryGetValue(node.Text, out var variable) && variable != value && Secret(file, variable) is { } why)
                return why;
        }

        return null;
    }
}
