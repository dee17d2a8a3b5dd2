using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>The app settings of modules/app.bicep.</summary>
internal static partial class BicepSettings
{
    /// <summary>Name and expression of every setting, those of either branch of a choice included.</summary>
    public static IReadOnlyList<(string Name, Node Value)> Of(BicepProject project)
    {
        var settings = project["modules/app.bicep"].Resources.Single(r => r.Type == "Microsoft.Web/sites/config" && r.Body.Property("name")?.Literal == "appsettings");
        return [.. settings.Body.Property("properties")!.Objects().SelectMany(o => o.Properties()).Select(p => (p.Name, p.Value))];
    }

    /// <summary>The settings as they would be with a preset: literals as they are, parameters as main.bicep hands them over or made up.</summary>
    public static Dictionary<string, string?> Values(BicepProject project, string preset, bool isEventHubs = true)
    {
        var main = project["main.bicep"];
        var given = main.Modules.Single(m => m.Symbol == "app").Body.Property("params")!;
        var presetSettings = project.Json("presets.json")[preset]!["settings"]!.AsObject();
        return Of(project).GroupBy(s => s.Name).ToDictionary(g => g.Key, g => (string?)Text(g.First().Value));

        string Text(Node node) => node.Type switch
        {
            "string" => string.Concat(node.Children.Select(c => c.Type == "interpolation" ? Text(c.Children[0]) : c.Text)),
            "ternary_expression" => Text(node.Children[Holds(node.Children[0]) ? 1 : 2]),
            "member_expression" when node.Children[0].Text == "presetSettings" => presetSettings[node.Children[1].Text]?.ToString() ?? throw new KeyNotFoundException($"Preset {preset} has no {node.Children[1].Text}."),
            "identifier" => Parameter(node.Text),
            _ => "made-up-" + NotWord().Replace(node.Text, "-"),
        };

        // Whether something is empty follows from the defaults; all else asks where events come from, or for what is the default.
        bool Holds(Node condition) => condition.Function == "empty" ? Parameter(condition.Arguments[0].Text).Length == 0 : isEventHubs;

        string Parameter(string name) => given.Property(name) switch
        {
            { Literal: { } literal } => literal,
            { Type: "identifier" } passed when main.Parameters.FirstOrDefault(p => p.Name == passed.Text) is { IsSecure: false, Default.Literal: { } text } => text,
            { Type: "ternary_expression" } choice when choice.Children[isEventHubs ? 1 : 2].Literal is { } literal => literal,
            _ when name == "brokerList" => "namespace.servicebus.windows.net:9093",
            // app.bicep gets it back from storage.bicep, where it is a parameter of main.bicep.
            _ when name == "lakeContainer" => main.Parameters.Single(p => p.Name == "lakeContainer").Default!.Literal!,
            _ when name.EndsWith("Endpoint", StringComparison.Ordinal) => $"https://{name.ToLowerInvariant()}.example/",
            _ => "made-up-" + name,
        };
    }

    [GeneratedRegex(@"\W+")]
    private static partial Regex NotWord();
}
