namespace Tidemark.Infra.Tests.Bicep;

/// <summary>What a compiler would say of names: undeclared, declared twice, unused; parameters and outputs of modules; files that are named.</summary>
internal static class SymbolCheck
{
    public static IReadOnlyList<string> Problems(BicepProject project)
    {
        var problems = project.Files.Values.SelectMany(f => f.Errors).ToList();
        if (problems.Count > 0)
            return problems;
        foreach (var file in project.Files.Values)
        {
            problems.AddRange(Names(file));
            problems.AddRange(Modules(project, file));
            problems.AddRange(Paths(project, file));
        }

        var used = project.Files.Values.SelectMany(f => f.Modules.Select(m => BicepProject.Beside(f.Name, m.File))).Append("main.bicep").ToHashSet();
        problems.AddRange(project.Files.Keys.Where(f => !used.Contains(f)).Select(f => $"{f}: no file uses this module"));
        return problems;
    }

    private static IEnumerable<string> Names(BicepFile file)
    {
        foreach (var twice in file.Declarations.GroupBy(d => d.Name).Where(g => g.Count() > 1))
            yield return $"{file.Name}:{twice.Last().Node.Line} '{twice.Key}' is declared twice";
        var declared = file.Declarations.Select(d => d.Name).ToHashSet(StringComparer.Ordinal);
        var nested = file.Resources.Where(r => r.IsNested).Select(r => r.Symbol).ToHashSet(StringComparer.Ordinal);
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, node) in References(file.Root, []))
        {
            used.Add(name);
            if (!declared.Contains(name) && !nested.Contains(name))
                yield return $"{file.Name}:{node.Line} '{name}' is not declared";
        }

        foreach (var unused in file.Parameters.Select(p => p.Name).Concat(file.Variables.Keys).Where(n => !used.Contains(n)))
            yield return $"{file.Name}: '{unused}' is not used";
    }

    // Identifiers that stand for a value: no keys, no functions, no property names, no loop variables.
    private static IEnumerable<(string Name, Node Node)> References(Node node, HashSet<string> locals)
    {
        switch (node.Type)
        {
            case "identifier":
                return locals.Contains(node.Text) ? [] : [(node.Text, node)];
            case "type" or "primitive_type" or "property_identifier" or "decorators":
                return [];
            case "parameter_declaration" or "variable_declaration" or "output_declaration" or "resource_declaration" or "module_declaration":
                return node.Children.Skip(1).SelectMany(c => References(c, locals));
            case "object_property" when node.Children.Count == 2:
                return References(node.Children[1], locals).Concat(node.Children[0].Type == "string" ? References(node.Children[0], locals) : []);
            case "call_expression":
                return (node.Children[0].Type == "identifier" ? [] : References(node.Children[0], locals)).Concat(node.Children.Skip(1).SelectMany(c => References(c, locals)));
            case "resource_expression":
                return References(node.Children[0], locals);
            case "for_statement":
                var inner = new HashSet<string>(locals, StringComparer.Ordinal) { node.Children[0].Text };
                return node.Children.Skip(1).SelectMany(c => References(c, inner));
            default:
                return node.Children.SelectMany(c => References(c, locals));
        }
    }

    private static IEnumerable<string> Modules(BicepProject project, BicepFile file)
    {
        foreach (var module in file.Modules)
        {
            if (!project.Files.TryGetValue(BicepProject.Beside(file.Name, module.File), out var target))
            {
                yield return $"{file.Name}:{module.Node.Line} there is no {module.File}";
                continue;
            }

            var given = module.Body.Property("params")?.Objects().SelectMany(o => o.Properties()).Select(p => p.Name).ToList() ?? [];
            foreach (var wrong in given.Except(target.Parameters.Select(p => p.Name)))
                yield return $"{file.Name}:{module.Node.Line} {module.File} has no parameter '{wrong}'";
            foreach (var missing in target.Parameters.Where(p => p.Default is null).Select(p => p.Name).Except(given))
                yield return $"{file.Name}:{module.Node.Line} {module.File} needs parameter '{missing}'";
        }

        var outputs = file.Modules.ToDictionary(m => m.Symbol, m => project.Files.GetValueOrDefault(BicepProject.Beside(file.Name, m.File))?.Outputs.Select(o => o.Name).ToList() ?? []);
        foreach (var use in file.Root.All().Where(n => n.Type == "member_expression" && n.Children[0].Type == "member_expression" && n.Children[0].Children[1].Text == "outputs"))
            if (outputs.TryGetValue(use.Children[0].Children[0].Text, out var known) && !known.Contains(use.Children[1].Text))
                yield return $"{file.Name}:{use.Line} module '{use.Children[0].Children[0].Text}' has no output '{use.Children[1].Text}'";
    }

    private static IEnumerable<string> Paths(BicepProject project, BicepFile file) =>
        from call in file.Root.All()
        where call.Function is "loadJsonContent" or "loadTextContent"
        let path = BicepProject.Beside(file.Name, call.Arguments[0].Literal ?? "")
        where project.Text(path) is null
        select $"{file.Name}:{call.Line} there is no {path}";
}
