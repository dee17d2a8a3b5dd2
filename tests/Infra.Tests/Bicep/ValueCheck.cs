using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>
/// Values that are known without deploying: what JSON files hold, literals, defaults. Members that are read from JSON must be there in every case
/// (every preset, every alert rule), and what is handed to a parameter must be of its type and within its bounds.
/// </summary>
internal static class ValueCheck
{
    public static IReadOnlyList<string> Problems(BicepProject project)
    {
        var problems = new List<string>();
        foreach (var file in project.Files.Values)
        {
            var known = Known(project, file);
            foreach (var member in file.Root.All().Where(n => n.Type == "member_expression"))
                if (Values(member.Children[0], known) is { } parents && parents.Any(p => p is JsonObject o && !o.ContainsKey(member.Children[1].Text)))
                    problems.Add($"{file.Name}:{member.Line} {member.Text} is not in the JSON that was loaded");
            foreach (var parameter in file.Parameters.Where(p => p.Default is not null))
                problems.AddRange(Misfits($"{file.Name}:{parameter.Node.Line} default of '{parameter.Name}'", parameter, Values(parameter.Default!, known)));
            foreach (var module in file.Modules)
                foreach (var (name, value, property) in module.Body.Property("params")?.Objects().SelectMany(o => o.Properties()) ?? [])
                    if (project.Files.GetValueOrDefault(BicepProject.Beside(file.Name, module.File))?.Parameters.FirstOrDefault(p => p.Name == name) is { } parameter)
                        problems.AddRange(Misfits($"{file.Name}:{property.Line} '{name}'", parameter, Values(value, known)));
        }

        return [.. problems.Distinct()];
    }

    private static Dictionary<string, IReadOnlyList<JsonNode?>> Known(BicepProject project, BicepFile file)
    {
        var known = new Dictionary<string, IReadOnlyList<JsonNode?>>(StringComparer.Ordinal);
        foreach (var (name, value) in file.Variables)
        {
            if (value.Function == "loadJsonContent" && project.Text(BicepProject.Beside(file.Name, value.Arguments[0].Literal!)) is { } text)
                known[name] = [JsonNode.Parse(text)];
            else if (Values(value, known) is { } values)
                known[name] = values;
        }

        foreach (var loop in file.Root.All().Where(n => n.Type == "for_statement"))
            if (Values(loop.Children[1], known) is { } lists)
                known[loop.Children[0].Text] = [.. lists.OfType<JsonArray>().SelectMany(a => a)];
        return known;
    }

    // Everything that the expression may be; null where that is not known.
    private static IReadOnlyList<JsonNode?>? Values(Node node, Dictionary<string, IReadOnlyList<JsonNode?>> known)
    {
        switch (node.Type)
        {
            case "string":
                return node.Literal is { } text ? [JsonValue.Create(text)] : null;
            case "number":
                return [JsonValue.Create(int.Parse(node.Text, System.Globalization.CultureInfo.InvariantCulture))];
            case "boolean":
                return [JsonValue.Create(node.Text == "true")];
            case "identifier":
                return known.GetValueOrDefault(node.Text);
            case "member_expression" when Values(node.Children[0], known) is { } parents:
                return [.. parents.OfType<JsonObject>().Where(o => o.ContainsKey(node.Children[1].Text)).Select(o => o[node.Children[1].Text])];
            case "subscript_expression" when Values(node.Children[0], known) is { } tables:
                return [.. tables.OfType<JsonObject>().SelectMany(o => o.Select(p => p.Value))];
            case "ternary_expression":
                var (a, b) = (Values(node.Children[1], known), Values(node.Children[2], known));
                return a is null && b is null ? null : [.. a ?? [], .. b ?? []];
            default:
                return null;
        }
    }

    private static IEnumerable<string> Misfits(string what, Parameter parameter, IReadOnlyList<JsonNode?>? values)
    {
        foreach (var value in values ?? [])
        {
            var kind = value?.GetValueKind() ?? JsonValueKind.Null;
            var type = kind switch
            {
                JsonValueKind.String => "string",
                JsonValueKind.Number => "int",
                JsonValueKind.True or JsonValueKind.False => "bool",
                JsonValueKind.Object => "object",
                JsonValueKind.Array => "array",
                _ => "null",
            };
            if (type != parameter.Type)
            {
                yield return $"{what} is {value?.ToJsonString()}, a {type} where a {parameter.Type} belongs";
                continue;
            }

            if (parameter.Decorator("allowed") is { } allowed && !allowed.Children.Any(c => (c.Literal ?? c.Text) == value!.ToString()))
                yield return $"{what} is {value}, which is not one of {allowed.Text}";
            foreach (var (bound, isOver) in new[] { ("minValue", false), ("maxValue", true), ("minLength", false), ("maxLength", true) })
                if (parameter.Decorator(bound) is { } limit)
                {
                    var size = bound.EndsWith("Value", StringComparison.Ordinal) ? value!.GetValue<int>() : value!.ToString().Length;
                    var number = int.Parse(limit.Text, System.Globalization.CultureInfo.InvariantCulture);
                    if (isOver ? size > number : size < number)
                        yield return $"{what} is {value}, beyond its {bound} {number}";
                }
        }
    }
}
