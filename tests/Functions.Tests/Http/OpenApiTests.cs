using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Http;
using Tidemark.Functions.Results;
using Tidemark.Functions.Tests.Status;

namespace Tidemark.Functions.Tests.Http;

/// <summary>The document says what the functions do. Validity and real answers are checked against a live run in tests/EndToEnd.</summary>
public sealed partial class OpenApiTests
{
    private static readonly string[] OfPage = ["Home", "Assets"];
    private static readonly IReadOnlyList<IOutput> Outputs =
        new OutputBook([(ClickstreamPipeline.Create(new EventOptions("events")), new Domain.Ledger.PipelineId("v1", "events", 1))]).All;

    private static readonly JsonObject Document = OpenApiDocument.Make(Outputs);

    [Fact]
    public void Every_http_function_is_in_it_with_its_methods_its_key_and_the_parts_of_its_route()
    {
        var functions = typeof(QueriesFunction).Assembly.GetTypes().SelectMany(t => t.GetMethods())
            .Select(m => (Name: m.GetCustomAttribute<FunctionAttribute>()?.Name, Trigger: m.GetParameters().Select(p => p.GetCustomAttribute<HttpTriggerAttribute>()).FirstOrDefault(a => a is not null)))
            .Where(f => f.Name is not null && f.Trigger is not null && !OfPage.Contains(f.Name)).ToList();
        Assert.True(functions.Count >= 20, $"Only {functions.Count} functions.");
        var seen = 0;
        foreach (var (name, trigger) in functions)
        {
            var path = Document["paths"]!["/" + trigger!.Route] ?? throw new InvalidOperationException($"/{trigger.Route} is missing.");
            foreach (var method in trigger.Methods!)
            {
                var operation = path[method]!;
                seen++;
                Assert.StartsWith(name!, (string)operation["operationId"]!, StringComparison.Ordinal);
                Assert.Equal(trigger.AuthLevel == AuthorizationLevel.Anonymous, operation["security"]!.AsArray().Count == 0);
                Assert.Equal(trigger.AuthLevel == AuthorizationLevel.Admin, operation["security"]!.ToJsonString().Contains("master", StringComparison.Ordinal));
                Assert.Equal(
                    PartOfRoute().Matches(trigger.Route!).Select(m => m.Groups[1].Value),
                    operation["parameters"]!.AsArray().Where(p => (string)p!["in"]! == "path").Select(p => (string)p!["name"]!));
            }
        }

        Assert.Equal(seen, Document["paths"]!.AsObject().Sum(p => p.Value!.AsObject().Count));
        Assert.Equal(seen, Document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject()).Select(o => (string)o.Value!["operationId"]!).Distinct().Count());
    }

    [Fact]
    public void Every_output_has_a_schema_with_its_columns_and_every_reference_leads_somewhere()
    {
        var schemas = Document["components"]!["schemas"]!.AsObject();
        foreach (var output in Outputs)
            Assert.Equal(output.Schema.Fields.Select(f => f.Name).Concat(["is_final", "updated_at"]).Distinct().Order(), schemas["row_" + output.Name]!["properties"]!.AsObject().Select(p => p.Key).Order());
        var references = Reference().Matches(Document.ToJsonString()).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.NotEmpty(references);
        Assert.All(references, name => Assert.True(schemas.ContainsKey(name), $"{name} is referred to and not there."));
        Assert.All(schemas.Select(s => s.Key), name => Assert.Contains(name, references));
    }

    [Fact]
    public void Parameters_are_read_in_one_place_only_so_what_is_read_is_declared()
    {
        var elsewhere = Directory.EnumerateFiles(Path.Combine(Documents.Root, "src", "Functions"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.EndsWith("/Api/Asked.cs", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f).Contains("request.Query[", StringComparison.OrdinalIgnoreCase)).ToList();
        Assert.Empty(elsewhere);
        Assert.Equal(Endpoints.All.Count, Endpoints.All.Select(e => e.Function).Distinct().Count());
        Assert.All(Endpoints.All, e => Assert.Equal(e.Parameters.Count, e.Parameters.Select(p => p.Name).Distinct().Count()));
    }

    [GeneratedRegex(@"\{([a-z]+)\}")]
    private static partial Regex PartOfRoute();

    [GeneratedRegex("\"#/components/schemas/([^\"]+)\"")]
    private static partial Regex Reference();
}
