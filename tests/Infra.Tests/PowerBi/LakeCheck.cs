using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tidemark.Delta;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;
using Tidemark.Domain.Sensors;
using Tidemark.Functions.Lake;

namespace Tidemark.Infra.Tests.PowerBi;

/// <summary>
/// The model against the tables that a run makes: the pipeline creates them, and what is compared is the schema in their Delta logs, as any other
/// reader sees it.
/// </summary>
internal static partial class LakeCheck
{
    private static readonly string[] Computed = ["event_date", "is_whole"];

    /// <summary>Per table of the lake its columns and their Delta types, read from its log.</summary>
    public static async Task<SortedDictionary<string, Dictionary<string, string>>> SchemasAsync()
    {
        var store = new MemoryObjectStore();
        var lake = new LakeTables(
            store,
            [ClickstreamPipeline.Create(new EventOptions("events")), SensorPipeline.Create(new EventOptions("sensors")), PurchasePipeline.Create(new EventOptions("purchases"))], TimeProvider.System);
        var schemas = new SortedDictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach (var name in lake.Names)
        {
            await lake[name].CreateAsync(default);
            var log = await store.GetAsync($"{name}/_delta_log/{0:D20}.json", default) ?? throw new InvalidOperationException($"Table {name} has no first version.");
            var metadata = System.Text.Encoding.UTF8.GetString(log.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!["metaData"]).OfType<JsonNode>().Single();
            schemas[name] = JsonNode.Parse(metadata["schemaString"]!.ToString())!["fields"]!.AsArray().ToDictionary(f => f!["name"]!.ToString(), f => f!["type"]!.ToString());
        }

        return schemas;
    }

    public static IReadOnlyList<string> Problems(PowerBiModel model, IReadOnlyDictionary<string, Dictionary<string, string>> schemas)
    {
        var problems = new List<string>();
        var covered = new HashSet<string>();
        foreach (var (file, table) in model.Tables)
        {
            if (Folder().Match(table.Of("partition").First().Properties.GetValueOrDefault("source") ?? "") is not { Success: true } match)
                continue;
            var path = string.Join('/', Part().Matches(match.Value).Select(m => m.Groups[1].Value));
            if (!schemas.TryGetValue(path, out var schema))
            {
                problems.Add($"{file}: there is no Delta table {path}");
                continue;
            }

            covered.Add(path);
            var columns = table.Of("column").ToDictionary(c => c.Name);
            foreach (var (name, type) in schema.Where(c => c.Value != "binary"))
                if (!columns.TryGetValue(name, out var column))
                    problems.Add($"{file}: column {name} of {path} is missing");
                else if (column.Properties["dataType"] != DataType(type))
                    problems.Add($"{file}:{column.Line} {name} is {column.Properties["dataType"]} where {path} has {type}");
            foreach (var name in columns.Keys.Where(c => !schema.ContainsKey(c) && !Computed.Contains(c)))
                problems.Add($"{file}:{columns[name].Line} {path} has no column {name}");
        }

        // Of a further topic the model has what is computed, not the records.
        problems.AddRange(schemas.Keys.Where(path => !Records().IsMatch(path)).Except(covered).Select(path => $"no table of the model shows {path}"));
        return problems;
    }

    private static string DataType(string delta) => delta switch
    {
        "string" => "string",
        "integer" or "long" => "int64",
        "double" => "double",
        "boolean" => "boolean",
        "timestamp" or "date" => "dateTime",
        _ when Decimal().Match(delta) is { Success: true } match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) <= 4 ? "decimal" : "double",
        _ => "(none)",
    };

    [GeneratedRegex(@"(DeltaLake\.Table\(|Folder = try )Lake(\{\[Name = ""[^""]+""\]\}\[Content\])+")]
    private static partial Regex Folder();

    [GeneratedRegex("^(bronze|silver)/(sensors|purchases)")]
    private static partial Regex Records();

    [GeneratedRegex(@"Name = ""([^""]+)""")]
    private static partial Regex Part();

    [GeneratedRegex(@"^decimal\(\d+,(\d+)\)$")]
    private static partial Regex Decimal();
}
