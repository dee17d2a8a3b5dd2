using System.Text.Json.Nodes;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Bicep;

public sealed record Parameter(string Name, string Type, Node? Default, IReadOnlyList<Node> Decorators, Node Node)
{
    public bool IsSecure => Decorators.Any(d => d.Function == "secure");

    public Node? Decorator(string name) => Decorators.FirstOrDefault(d => d.Function == name)?.Arguments[0];
}

public sealed record Resource(string Symbol, string Type, string? Version, bool IsExisting, Node? Condition, Node Body, Node Node, bool IsNested);

public sealed record Module(string Symbol, string File, Node Body, Node Node);

public sealed record Output(string Name, Node Value, Node Node);

/// <summary>A Bicep file: its declarations, and where it is no Bicep.</summary>
public sealed class BicepFile
{
    public BicepFile(string name, string text)
    {
        Name = name;
        var answer = Checker.Bicep(text);
        Errors = [.. answer["errors"]!.AsArray().Select(e => $"{name}:{e!["line"]} {e["message"]}")];
        Root = new Node(answer["root"]!, text);
        IReadOnlyList<Node> decorators = [];
        foreach (var node in Root.Children)
        {
            if (node.Type == "decorators")
            {
                decorators = [.. node.Children.Select(d => d.Children[0])];
                continue;
            }

            Declare(node, decorators);
            decorators = [];
        }
    }

    public string Name { get; }

    public Node Root { get; }

    public IReadOnlyList<string> Errors { get; }

    public List<Parameter> Parameters { get; } = [];

    public Dictionary<string, Node> Variables { get; } = [];

    public List<Resource> Resources { get; } = [];

    public List<Module> Modules { get; } = [];

    public List<Output> Outputs { get; } = [];

    /// <summary>Name and node of every declaration at the top.</summary>
    public List<(string Name, Node Node)> Declarations { get; } = [];

    private void Declare(Node node, IReadOnlyList<Node> decorators)
    {
        var name = node.Children.Count > 0 ? node.Children[0].Text : "";
        switch (node.Type)
        {
            case "parameter_declaration":
                Parameters.Add(new(name, node.Children[1].Text, node.Children.Count > 2 ? node.Children[2] : null, decorators, node));
                Declarations.Add((name, node));
                break;
            case "variable_declaration":
                Variables[name] = node.Children[^1];
                Declarations.Add((name, node));
                break;
            case "resource_declaration":
                AddResource(node, null);
                Declarations.Add((name, node));
                break;
            case "module_declaration":
                Modules.Add(new(name, node.Children[1].Literal ?? "", node.Children[^1], node));
                Declarations.Add((name, node));
                break;
            case "output_declaration":
                Outputs.Add(new(name, node.Children[^1], node));
                break;
        }
    }

    private void AddResource(Node node, string? parentType)
    {
        var (type, version) = node.Children[1].Literal?.Split('@') switch
        {
            [var t, var v] => (t, (string?)v),
            [var t] => (t, null),
            _ => ("", null),
        };
        if (parentType is not null)
            type = $"{parentType}/{type}";
        var body = node.Children[^1];
        var isExisting = node.Text[..Math.Max(0, node.Text.IndexOf('{', StringComparison.Ordinal))].Contains(" existing ", StringComparison.Ordinal);
        Resources.Add(new(node.Children[0].Text, type, version, isExisting, body.Type == "if_statement" ? body.Children[0] : null, body, node, parentType is not null));
        foreach (var nested in body.Objects().SelectMany(o => o.Children).Where(c => c.Type == "object_property").SelectMany(c => c.Children).Where(c => c.Type == "resource_declaration"))
            AddResource(nested, type);
    }
}
