using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tidemark.Infra.Tests.Bicep;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Azd;

/// <summary>azure.yaml, the parameters that azd fills, and the workflow of users' repositories belong together.</summary>
internal static partial class AzdCheck
{
    // Set by azd itself.
    private static readonly string[] OfAzd = ["AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"];

    public static IReadOnlyList<string> Problems(BicepProject bicep, string azureYaml, string workflow)
    {
        var problems = new List<string>();
        var azd = Parse("azure.yaml", azureYaml, problems);
        var actions = Parse("azure-dev.yml", workflow, problems);
        if (azd is null || actions is null)
            return problems;
        problems.AddRange(Checker.Schema(Path.Combine(Checker.Folder, "azure-yaml.schema.json"), new Dictionary<string, JsonNode?> { ["azure.yaml"] = azd }));
        if (problems.Count > 0)
            return problems;
        problems.AddRange(Places(azd));
        problems.AddRange(Parameters(bicep, azd, actions));
        problems.AddRange(Workflow(azd, actions));
        return problems;
    }

    private static JsonNode? Parse(string name, string text, List<string> problems)
    {
        var (value, errors) = Checker.Yaml(text);
        problems.AddRange(errors.Select(e => $"{name}: {e}"));
        return value;
    }

    private static IEnumerable<string> Places(JsonNode azd)
    {
        var module = $"{azd["infra"]!["path"]}/{azd["infra"]!["module"]}.bicep";
        if (!File.Exists(Path.Combine(Repository.Root, module)))
            yield return $"azure.yaml: there is no {module}";
        foreach (var (name, service) in azd["services"]!.AsObject())
            if (Directory.GetFiles(Path.Combine(Repository.Root, service!["project"]!.ToString()), "*.csproj") is not [_])
                yield return $"azure.yaml: service '{name}' is not one project";
    }

    // Every parameter is filled from a variable that the pipeline passes on, with the same value where it is not set.
    private static IEnumerable<string> Parameters(BicepProject bicep, JsonNode azd, JsonNode actions)
    {
        var given = bicep.Json("main.parameters.json")["parameters"]!.AsObject();
        var declared = bicep["main.bicep"].Parameters;
        foreach (var wrong in given.Select(p => p.Key).Except(declared.Select(p => p.Name)))
            yield return $"main.parameters.json: main.bicep has no parameter '{wrong}'";
        foreach (var missing in declared.Select(p => p.Name).Except(given.Select(p => p.Key)))
            yield return $"main.parameters.json: nothing fills '{missing}'";
        var pipeline = azd["pipeline"]!;
        var passed = pipeline["variables"]!.AsArray().Concat(pipeline["secrets"]!.AsArray()).Select(v => v!.ToString()).ToList();
        var environment = actions["env"]!.AsObject();
        var named = new List<string>();
        foreach (var (name, value) in given)
        {
            if (Variable().Match(value!["value"]!.ToString()) is not { Success: true } match)
            {
                yield return $"main.parameters.json: '{name}' is taken from no variable";
                continue;
            }

            var variable = match.Groups[1].Value;
            var isSecure = declared.FirstOrDefault(p => p.Name == name)?.IsSecure == true;
            if (match.Groups[2].Success && declared.FirstOrDefault(p => p.Name == name)?.Default is { Literal: { } literal } && literal != match.Groups[3].Value)
                yield return $"main.parameters.json: '{name}' is '{match.Groups[3].Value}' by default, in main.bicep '{literal}'";
            if (OfAzd.Contains(variable))
                continue;
            named.Add(variable);
            if (!passed.Contains(variable))
                yield return $"azure.yaml: the pipeline does not pass on {variable}";
            if (isSecure != pipeline["secrets"]!.AsArray().Any(s => s!.ToString() == variable))
                yield return $"azure.yaml: {variable} should {(isSecure ? "" : "not ")}be a secret";
            var expected = $"${{{{ vars.{variable}{(match.Groups[3].Length > 0 ? $" || '{match.Groups[3].Value}'" : "")} }}}}";
            if (!isSecure && environment[variable]?.ToString() != expected)
                yield return $"azure-dev.yml: {variable} should be {expected}";
            if (isSecure && !Steps(actions).Any(s => s["env"]?[variable]?.ToString() == $"${{{{ secrets.{variable} }}}}"))
                yield return $"azure-dev.yml: no step has the secret {variable}";
        }

        foreach (var unknown in passed.Except(named))
            yield return $"azure.yaml: no parameter is taken from {unknown}";
    }

    private static IEnumerable<string> Workflow(JsonNode azd, JsonNode actions)
    {
        var permissions = actions["permissions"]!.AsObject().ToDictionary(p => p.Key, p => p.Value!.ToString());
        if (permissions.Count != 2 || permissions.GetValueOrDefault("id-token") != "write" || permissions.GetValueOrDefault("contents") != "read")
            yield return "azure-dev.yml: permissions are not id-token: write and contents: read";
        var order = new (string Job, string Command)[]
        {
            ("build", "eng/setup.sh"), ("build", "<SparseFeed>false"), ("build", "./test"), ("build", "dotnet publish src/Functions -c Release"), ("build", "az bicep build --file infra/bicep/main.bicep"),
            ("preview", "azd provision --preview"), ("deploy", "azd provision --no-prompt"), ("deploy", "azd deploy pipeline --from-package"),
        };
        var at = -1;
        foreach (var (job, command) in order)
        {
            var all = actions["jobs"]!.AsObject().SelectMany(j => j.Value!["steps"]!.AsArray().Select(s => (Job: j.Key, Run: s!["run"]?.ToString() ?? ""))).ToList();
            var found = all.FindIndex(s => s.Job == job && s.Run.Contains(command, StringComparison.Ordinal));
            if (found < 0)
                yield return $"azure-dev.yml: job '{job}' does not run {command}";
            else if (found <= at)
                yield return $"azure-dev.yml: {command} comes too early";
            at = Math.Max(at, found);
        }

        if (!azd["services"]!.AsObject().ContainsKey("pipeline"))
            yield return "azure-dev.yml: deploys service 'pipeline', which azure.yaml has not";
        if (!actions["jobs"]!["deploy"]!["needs"]!.AsArray().Select(n => n!.ToString()).Order().SequenceEqual(["build", "preview"]))
            yield return "azure-dev.yml: 'deploy' does not wait for 'build' and 'preview'";
        foreach (var step in Steps(actions))
            if (step["uses"]?.ToString() is { } used && !Pinned().IsMatch(used))
                yield return $"azure-dev.yml: {used} names no version";
    }

    private static IEnumerable<JsonNode> Steps(JsonNode actions) => actions["jobs"]!.AsObject().SelectMany(j => j.Value!["steps"]!.AsArray()).OfType<JsonNode>();

    [GeneratedRegex(@"^\$\{(\w+)(=(.*))?\}$")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^[\w-]+/[\w-]+@v\d+$")]
    private static partial Regex Pinned();
}
