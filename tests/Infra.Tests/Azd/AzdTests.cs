using System.Text.Json;
using System.Text.RegularExpressions;
using Tidemark.Infra.Tests.Bicep;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Azd;

/// <summary>What azd and a build server read, and that each check notices the faults it is for.</summary>
public sealed partial class AzdTests
{
    private static readonly string Azd = Repository.Read("azure.yaml");
    private static readonly string Workflow = Repository.Read(".github/workflows/azure-dev.yml");

    [Fact]
    public void Project_parameters_and_workflow_belong_together() => Assert.Empty(AzdCheck.Problems(BicepProject.Committed, Azd, Workflow));

    [Theory]
    [InlineData("name: tidemark", "name: Tidemark", "must match pattern")]
    [InlineData("    host: function", "    host: functions", "must be equal to constant")]
    [InlineData("    language: dotnet\n", "", "must have required property")]
    [InlineData("requiredVersions:", "requiredVersion:", "must NOT have additional properties")]
    [InlineData("    language: dotnet\n", "    language: dotnet\n    language: csharp\n", "unique")]
    [InlineData("  path: infra/bicep", "  path: infra", "there is no infra/main.bicep")]
    [InlineData("project: ./src/Functions", "project: ./src", "is not one project")]
    [InlineData("    - KAFKA_TOPIC\n", "", "does not pass on KAFKA_TOPIC")]
    [InlineData("    - KAFKA_TOPIC\n", "    - KAFKA_TOPIC\n    - KAFKA_TOPICS\n", "no parameter is taken from KAFKA_TOPICS")]
    [InlineData("  secrets:\n    - KAFKA_PASSWORD\n", "    - KAFKA_PASSWORD\n  secrets:\n", "KAFKA_PASSWORD should be a secret")]
    public void A_fault_in_azure_yaml_is_noticed(string piece, string fault, string problem) =>
        Assert.Contains(AzdCheck.Problems(BicepProject.Committed, Replaced(Azd, piece, fault), Workflow), p => p.Contains(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("  contents: read", "  contents: write", "permissions are not")]
    [InlineData("run: ./test", "run: echo fine", "does not run ./test")]
    [InlineData("needs: [build, preview]", "needs: [build]", "does not wait for")]
    [InlineData("actions/checkout@v4", "actions/checkout@main", "names no version")]
    [InlineData("vars.TIDEMARK_SIZE || 'dev'", "vars.TIDEMARK_SIZE || 'large'", "TIDEMARK_SIZE should be")]
    [InlineData("  ALERT_EMAIL: ${{ vars.ALERT_EMAIL }}\n", "", "ALERT_EMAIL should be")]
    [InlineData("azd provision --preview --no-prompt", "azd provision --no-prompt", "does not run azd provision --preview")]
    [InlineData("jobs:\n", "jobs:\n\tx: 1\n", "azure-dev.yml")]
    public void A_fault_in_the_workflow_is_noticed(string piece, string fault, string problem) =>
        Assert.Contains(AzdCheck.Problems(BicepProject.Committed, Azd, Replaced(Workflow, piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("main.parameters.json", "\"kafkaTopic\"", "\"kafkaTopics\"", "main.bicep has no parameter 'kafkaTopics'")]
    [InlineData("main.parameters.json", "${TIDEMARK_SIZE=dev}", "${TIDEMARK_SIZE=large}", "in main.bicep 'dev'")]
    [InlineData("main.parameters.json", "${TIDEMARK_SIZE=dev}", "dev", "is taken from no variable")]
    [InlineData("main.bicep", "param pipelineVersion string = 'v1'", "param pipelineVersion string = 'v1'\nparam other string = ''", "nothing fills 'other'")]
    public void A_fault_in_the_parameters_is_noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(AzdCheck.Problems(BicepProject.Committed.With(file, piece, fault), Azd, Workflow), p => p.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void Local_services_are_pinned_reachable_from_this_machine_only_and_where_the_sample_settings_look()
    {
        var (compose, problems) = Checker.Yaml(Repository.Read("compose.yaml"));
        Assert.Empty(problems);
        var services = compose!["services"]!.AsObject();
        Assert.Equal(["azurite", "kafka", "kafka-ui", "scheduler", "topic"], services.Select(s => s.Key).Order());
        var ports = services.SelectMany(s => s.Value!["ports"]?.AsArray().Select(p => p!.ToString()) ?? []).ToList();
        Assert.All(ports, port => Assert.Matches(@"^127\.0\.0\.1:\d+:\d+$", port));
        Assert.Equal(ports.Count, ports.Select(p => p.Split(':')[1]).Distinct().Count());
        Assert.All(services.Where(s => s.Key != "scheduler"), s => Assert.Matches(@":v?\d+\.\d+\.\d+$", s.Value!["image"]!.ToString()));
        using var sample = JsonDocument.Parse(Repository.Read("local.settings.sample.json"));
        string Value(string name) => sample.RootElement.GetProperty("Values").GetProperty(name).GetString()!;
        var open = ports.Select(p => p.Split(':')[1]).ToHashSet();
        Assert.Contains(Value("BrokerList").Split(':')[1], open);
        Assert.Contains(new Uri(Value("DURABLE_TASK_SCHEDULER_CONNECTION_STRING").Split(';')[0]["Endpoint=".Length..]).Port.ToString(System.Globalization.CultureInfo.InvariantCulture), open);
        Assert.Superset(new HashSet<string> { "10000", "10001", "10002" }, open);
        Assert.Contains($"\"{Value("KafkaTopic")}\"", services["topic"]!["command"]!.ToJsonString());
        Assert.Equal(Value("TASKHUB_NAME"), services["scheduler"]!["environment"]!["DTS_TASK_HUB_NAMES"]!.ToString());
        Assert.Contains("localhost:9092", services["kafka"]!["environment"]!["KAFKA_ADVERTISED_LISTENERS"]!.ToString());
    }

    [Fact]
    public void Every_value_of_host_json_is_explained() => Assert.Empty(HostProblems(Repository.Read("host.json"), Repository.Read("docs/configuration.md")));

    [Theory]
    [InlineData("\"maxBatchSize\": 10000", "\"maxBatchSize\": 64", "maxBatchSize is 64")]
    [InlineData("\"maxRetries\": -1", "\"maxRetries\": -1, \"sessionTimeoutMs\": 30000", "sessionTimeoutMs is not explained")]
    [InlineData("\"channelFullRetryIntervalInMs\": 10,", "", "channelFullRetryIntervalInMs, which there is not")]
    public void A_value_of_host_json_that_the_page_does_not_know_is_noticed(string piece, string fault, string problem) =>
        Assert.Contains(HostProblems(Replaced(Repository.Read("host.json"), piece, fault), Repository.Read("docs/configuration.md")), p => p.Contains(problem, StringComparison.Ordinal));

    private static List<string> HostProblems(string hostJson, string page)
    {
        using var host = JsonDocument.Parse(hostJson);
        var values = new Dictionary<string, string>();
        Walk(host.RootElement, "");
        var explained = Row().Matches(page[page.IndexOf("## The Functions host", StringComparison.Ordinal)..]).ToDictionary(m => m.Groups[1].Value, m => m.Groups[3].Success ? m.Groups[3].Value : "");
        return
        [
            .. values.Where(v => !explained.ContainsKey(v.Key)).Select(v => $"{v.Key} is not explained"),
            .. values.Where(v => explained.TryGetValue(v.Key, out var said) && said != v.Value).Select(v => $"{v.Key} is {v.Value}, explained as {explained[v.Key]}"),
            .. explained.Keys.Except(values.Keys).Select(k => $"the page explains {k}, which there is not"),
        ];

        void Walk(JsonElement element, string path)
        {
            foreach (var property in element.EnumerateObject())
            {
                var name = path + property.Name;
                if (property.Value.ValueKind == JsonValueKind.Object)
                    Walk(property.Value, name + ".");
                else
                    values[name] = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText();
            }
        }
    }

    private static string Replaced(string text, string piece, string fault)
    {
        Assert.Contains(piece, text, StringComparison.Ordinal);
        var at = text.IndexOf(piece, StringComparison.Ordinal);
        return text[..at] + fault + text[(at + piece.Length)..];
    }

    // | `path` | `value` | why |, the value (empty) for an empty text.
    [GeneratedRegex(@"^\| `([^`]+)` \| (`([^`]*)`|\(empty\)) \| ", RegexOptions.Multiline)]
    private static partial Regex Row();
}
