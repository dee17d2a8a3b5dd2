using System.Text.Json.Nodes;

namespace Tidemark.Infra.Tests.PowerBi;

/// <summary>The report shows columns and measures that the model has, on pages that are listed, and nothing lies outside a page or on another visual.</summary>
internal static class ReportCheck
{
    private const string Pages = "Tidemark.Report/definition/pages/";

    public static IReadOnlyList<string> Problems(PowerBiModel model)
    {
        var problems = new List<string>();
        var listed = JsonNode.Parse(model.Texts[Pages + "pages.json"])!["pageOrder"]!.AsArray().Select(p => p!.ToString()).ToList();
        var places = new List<(string Page, string Visual, double X, double Y, double Right, double Bottom)>();
        foreach (var (file, text) in model.Texts.Where(t => t.Key.StartsWith(Pages, StringComparison.Ordinal) && t.Key.EndsWith("/visual.json", StringComparison.Ordinal)))
        {
            var visual = JsonNode.Parse(text)!;
            var page = file[Pages.Length..].Split('/')[0];
            if (!listed.Contains(page))
                problems.Add($"{file}: page '{page}' is not listed");
            if (visual["name"]!.ToString() != file.Split('/')[^2])
                problems.Add($"{file}: the visual's name is '{visual["name"]}'");
            var position = visual["position"]!;
            double Of(string name) => position[name]!.GetValue<double>();
            places.Add((page, visual["name"]!.ToString(), Of("x"), Of("y"), Of("x") + Of("width"), Of("y") + Of("height")));
            foreach (var projection in visual["visual"]!["query"]!["queryState"]!.AsObject().SelectMany(role => role.Value!["projections"]!.AsArray()))
            {
                var (kind, field) = projection!["field"]!.AsObject().First();
                var (table, property) = (field!["Expression"]!["SourceRef"]!["Entity"]!.ToString(), field["Property"]!.ToString());
                var isKnown = kind == "Measure" ? model.Table(table)?.Of("measure").Any(m => m.Name == property) == true : model.Column(table, property) is not null;
                if (!isKnown)
                    problems.Add($"{file}: there is no {kind.ToLowerInvariant()} '{table}'[{property}]");
                if (projection["queryRef"]!.ToString() != $"{table}.{property}")
                    problems.Add($"{file}: queryRef is {projection["queryRef"]}");
            }
        }

        problems.AddRange(listed.Where(p => !model.Texts.ContainsKey($"{Pages}{p}/page.json")).Select(p => $"there is no page '{p}'"));
        problems.AddRange(places.Where(p => p.X < 0 || p.Y < 0 || p.Right > 1280 || p.Bottom > 720).Select(p => $"{p.Visual} is partly outside its page"));
        problems.AddRange(
            from a in places
            from b in places
            where a.Page == b.Page && string.CompareOrdinal(a.Visual, b.Visual) < 0 && a.X < b.Right && b.X < a.Right && a.Y < b.Bottom && b.Y < a.Bottom
            select $"{a.Visual} and {b.Visual} overlap");
        return problems;
    }
}
