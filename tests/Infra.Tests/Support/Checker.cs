using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Infra.Tests.Support;

/// <summary>Parsers that are not ours: one node process for the whole run, spoken to line by line. It ends when its input does.</summary>
public static class Checker
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 256 };
    private static readonly Lock One = new();
    private static readonly Lazy<Process> Node = new(Start);

    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "Infra.Tests", "checks");

    /// <summary>Syntax tree and syntax errors of a Bicep file.</summary>
    public static JsonNode Bicep(string text) => Ask(new { op = "bicep", text });

    /// <summary>What is wrong with an M expression (null: nothing), and the names it takes from outside.</summary>
    public static (string? Error, IReadOnlyList<string> Names) M(string text)
    {
        var answer = Ask(new { op = "m", text });
        return (answer["error"]?.GetValue<string>(), [.. answer["names"]!.AsArray().Select(n => n!.GetValue<string>())]);
    }

    /// <summary>A YAML document as JSON, and what is wrong with it.</summary>
    public static (JsonNode? Value, IReadOnlyList<string> Problems) Yaml(string text)
    {
        var answer = Ask(new { op = "yaml", text });
        return (answer["value"]?.DeepClone(), [.. answer["errors"]!.AsArray().Select(n => n!.GetValue<string>())]);
    }

    /// <summary>Problems of JSON documents by JSON Schema: one schema file, or a folder of them that documents name by $schema.</summary>
    public static IReadOnlyList<string> Schema(string schemas, IReadOnlyDictionary<string, JsonNode?> files) =>
        [.. Ask(new { op = "schema", schemas, files }).AsArray().Select(n => n!.GetValue<string>())];

    private static JsonNode Ask(object request)
    {
        lock (One)
        {
            Node.Value.StandardInput.WriteLine(JsonSerializer.Serialize(request, Json));
            Node.Value.StandardInput.Flush();
            var line = Node.Value.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The checker ended; see above for its error.");
            var answer = JsonNode.Parse(line, null, new JsonDocumentOptions { MaxDepth = 256 })!;
            return answer["error"] is { } error ? throw new InvalidOperationException(error.GetValue<string>()) : answer["value"]!;
        }
    }

    private static Process Start()
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules", "tree-sitter-bicep")))
            throw new InvalidOperationException("The checkers are not installed; run: npm ci --prefix tests/Infra.Tests/checks");
        return Process.Start(new ProcessStartInfo("node", "serve.mjs") { WorkingDirectory = Folder, RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }
}
