using System.Text.Json.Nodes;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>A node of a syntax tree, with what Bicep expressions are asked for.</summary>
public sealed class Node
{
    private readonly string _source;
    private readonly int _start;
    private readonly int _end;

    public Node(JsonNode json, string source, Node? parent = null)
    {
        _source = source;
        (_start, _end, Line) = (json["s"]!.GetValue<int>(), json["e"]!.GetValue<int>(), json["l"]!.GetValue<int>());
        Type = json["t"]!.GetValue<string>();
        Parent = parent;
        Children = [.. json["c"]!.AsArray().Select(c => new Node(c!, source, this))];
    }

    public string Type { get; }

    public int Line { get; }

    public Node? Parent { get; }

    public IReadOnlyList<Node> Children { get; }

    public string Text => _source[_start.._end];

    /// <summary>Content of a string without interpolation; null for anything else.</summary>
    public string? Literal => Type == "string" && Children.All(c => c.Type != "interpolation")
        ? string.Concat(Children.Where(c => c.Type is "string_content" or "escape_sequence").Select(c => c.Text.Replace("\\'", "'", StringComparison.Ordinal)))
        : null;

    /// <summary>The node and all below it.</summary>
    public IEnumerable<Node> All() => Children.SelectMany(c => c.All()).Prepend(this);

    /// <summary>Name of the function of a call, also of a method's: <c>x.listKeys()</c> is listKeys. Null for anything else.</summary>
    public string? Function => Type != "call_expression" ? null : Children[0].Type == "member_expression" ? Children[0].Children[^1].Text : Children[0].Text;

    public IReadOnlyList<Node> Arguments => Children.FirstOrDefault(c => c.Type == "arguments")?.Children ?? [];

    /// <summary>Object literals that the value may come from: either branch of a choice, all arguments of a union.</summary>
    public IEnumerable<Node> Objects() => Type switch
    {
        "object" => [this],
        "ternary_expression" => Children[1].Objects().Concat(Children[2].Objects()),
        "parenthesized_expression" => Children[0].Objects(),
        "if_statement" or "for_statement" => Children[^1].Objects(),
        "call_expression" when Function == "union" => Arguments.SelectMany(a => a.Objects()),
        _ => [],
    };

    /// <summary>Properties of an object literal in order; a key with interpolation is given as its text.</summary>
    public IEnumerable<(string Name, Node Value, Node Property)> Properties() =>
        from property in Children
        where property.Type == "object_property" && property.Children.Count == 2
        select (property.Children[0].Literal ?? property.Children[0].Text, property.Children[1], property);

    /// <summary>Value of a property of any of the object literals; null when none has it.</summary>
    public Node? Property(string name) => Objects().SelectMany(o => o.Properties()).FirstOrDefault(p => p.Name == name).Value;
}
