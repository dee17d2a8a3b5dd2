using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.PowerBi;

/// <summary>The pages of the report and what is on them.</summary>
internal static class ReportPages
{
    private const string Schemas = "https://developer.microsoft.com/json-schemas/fabric/item/report/definition/";
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Page[] All =
    [
        new("overview", "Overview",
        [
            Card(0, "Event Count"), Card(1, "Active Users"), Card(2, "Revenue"), Card(3, "Conversion Rate"), Card(4, "Session Minutes"), Card(5, "Newest Result"),
            new("lineChart", 0, 140, 850, 280, "Views over time", [("Category", "Category Views", "window_start")], [("Y", "Views")]),
            new("slicer", 870, 140, 370, 130, "Date", [("Values", "Date", "Date")], []),
            new("slicer", 870, 290, 370, 130, "Category", [("Values", "Category", "category")], []),
            new("clusteredBarChart", 0, 440, 610, 260, "Views by category", [("Category", "Category", "category")], [("Y", "Views")]),
            new("tableEx", 630, 440, 610, 260, "Latest windows", [("Values", "Latest Category Views", "window_start"), ("Values", "Latest Category Views", "category"), ("Values", "Latest Category Views", "view_count"), ("Values", "Latest Category Views", "is_final")], []),
        ]),
        new("funnel", "Funnel",
        [
            Card(0, "Funnel Visitors"), Card(1, "Funnel Cart Users"), Card(2, "Funnel Purchasers"), Card(3, "Conversion Rate"), Card(4, "Cart Abandonment"), Card(5, "Revenue per Visitor"),
            new("funnel", 0, 140, 610, 560, "From visit to purchase", [], [("Y", "Funnel Visitors"), ("Y", "Funnel Cart Users"), ("Y", "Funnel Purchasers")]),
            new("lineChart", 630, 140, 610, 270, "Rates over time", [("Category", "Conversion Funnel", "window_start")], [("Y", "Cart Rate"), ("Y", "Conversion Rate")]),
            new("tableEx", 630, 430, 610, 270, "Latest windows", [("Values", "Latest Conversion Funnel", "window_start"), ("Values", "Latest Conversion Funnel", "unique_visitors"), ("Values", "Latest Conversion Funnel", "cart_users"), ("Values", "Latest Conversion Funnel", "purchasers")], []),
        ]),
        new("revenue", "Revenue",
        [
            Card(0, "Revenue"), Card(1, "Orders"), Card(2, "Units"), Card(3, "Order Value"), Card(4, "Revenue per Visitor"), Card(5, "Category Purchases"),
            new("lineChart", 0, 140, 850, 280, "Revenue over time", [("Category", "Country Revenue", "window_start")], [("Y", "Revenue")]),
            new("slicer", 870, 140, 370, 130, "Date", [("Values", "Date", "Date")], []),
            new("slicer", 870, 290, 370, 130, "Country", [("Values", "Country", "country")], []),
            new("clusteredBarChart", 0, 440, 400, 260, "Revenue by country", [("Category", "Country", "country")], [("Y", "Revenue")]),
            new("clusteredBarChart", 420, 440, 400, 260, "Revenue by category", [("Category", "Category", "category")], [("Y", "Category Revenue")]),
            new("clusteredColumnChart", 840, 440, 400, 260, "Revenue by day", [("Category", "Date", "Date")], [("Y", "Revenue")]),
        ]),
        new("operations", "Operations",
        [
            Card(0, "Event Count"), Card(1, "Late Share"), Card(2, "Late By Minutes"), Card(3, "Quarantined"), Card(4, "Quarantine Share"), Card(5, "Newest Result"),
            new("clusteredColumnChart", 0, 140, 610, 270, "Events by day", [("Category", "Date", "Date")], [("Y", "Event Count")]),
            new("clusteredBarChart", 630, 140, 610, 270, "Why records are in quarantine", [("Category", "Quarantine", "reason")], [("Y", "Quarantined")]),
            new("clusteredBarChart", 0, 430, 610, 270, "Late events by query", [("Category", "Late Events", "query")], [("Y", "Late Events Count")]),
            new("tableEx", 630, 430, 610, 270, "Late events", [("Values", "Late Events", "query"), ("Values", "Late Events", "window_start"), ("Values", "Late Events", "event_id"), ("Values", "Late Events", "lag_ms")], []),
        ]),
    ];

    /// <summary>Path below the report's definition, and text.</summary>
    public static IEnumerable<(string Name, string Text)> Files()
    {
        yield return ("pages/pages.json", Text(new JsonObject
        {
            ["$schema"] = Schemas + "pagesMetadata/1.0.0/schema.json",
            ["pageOrder"] = new JsonArray([.. All.Select(p => JsonValue.Create(p.Name))]),
            ["activePageName"] = All[0].Name,
        }));
        foreach (var page in All)
        {
            yield return ($"pages/{page.Name}/page.json", Text(new JsonObject
            {
                ["$schema"] = Schemas + "page/2.0.0/schema.json", ["name"] = page.Name, ["displayName"] = page.Title,
                ["displayOption"] = "FitToPage", ["height"] = 720, ["width"] = 1280,
            }));
            for (var i = 0; i < page.Visuals.Length; i++)
                yield return ($"pages/{page.Name}/visuals/{page.Name}{i + 1:D2}/visual.json", Text(Visual($"{page.Name}{i + 1:D2}", i, page.Visuals[i])));
        }
    }

    private static VisualPlan Card(int place, string measure) => new("card", place * 208, 10, 198, 110, measure, [], [("Values", measure)]);

    private static JsonObject Visual(string name, int order, VisualPlan plan)
    {
        var roles = new JsonObject();
        foreach (var (role, table, column) in plan.Columns)
            Add(role, "Column", table, column);
        foreach (var (role, measure) in plan.Measures)
            Add(role, "Measure", Measures.Table, measure);
        return new JsonObject
        {
            ["$schema"] = Schemas + "visualContainer/2.0.0/schema.json",
            ["name"] = name,
            ["position"] = new JsonObject { ["x"] = 20 + plan.X, ["y"] = plan.Y, ["z"] = order, ["width"] = plan.Width, ["height"] = plan.Height, ["tabOrder"] = order },
            ["visual"] = new JsonObject
            {
                ["visualType"] = plan.Type,
                ["query"] = new JsonObject { ["queryState"] = roles },
                ["visualContainerObjects"] = new JsonObject { ["title"] = new JsonArray(new JsonObject { ["properties"] = new JsonObject { ["show"] = Literal("true"), ["text"] = Literal($"'{plan.Title}'") } }) },
                ["drillFilterOtherVisuals"] = true,
            },
        };

        void Add(string role, string kind, string table, string property)
        {
            if (roles[role] is not JsonObject state)
                roles[role] = state = new JsonObject { ["projections"] = new JsonArray() };
            state["projections"]!.AsArray().Add((JsonNode)new JsonObject
            {
                ["field"] = new JsonObject { [kind] = new JsonObject { ["Expression"] = new JsonObject { ["SourceRef"] = new JsonObject { ["Entity"] = table } }, ["Property"] = property } },
                ["queryRef"] = $"{table}.{property}",
                ["nativeQueryRef"] = property,
            });
        }
    }

    private static JsonObject Literal(string value) => new() { ["expr"] = new JsonObject { ["Literal"] = new JsonObject { ["Value"] = value } } };

    private static string Text(JsonObject json) => json.ToJsonString(Json).ReplaceLineEndings("\n") + "\n";

    private sealed record Page(string Name, string Title, VisualPlan[] Visuals);

    private sealed record VisualPlan(string Type, int X, int Y, int Width, int Height, string Title, (string Role, string Table, string Column)[] Columns, (string Role, string Measure)[] Measures);
}
