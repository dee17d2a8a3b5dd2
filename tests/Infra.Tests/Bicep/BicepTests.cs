using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tidemark.Functions;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>The templates of infra/bicep, and that each check notices the faults it is for.</summary>
public sealed partial class BicepTests
{
    private static readonly BicepProject Committed = BicepProject.Committed;

    [Fact]
    public void Every_name_is_declared_used_and_known_where_it_is_passed_to() => Assert.Empty(SymbolCheck.Problems(Committed));

    [Theory]
    [InlineData("main.bicep", "param location string", "param location strin g", "no Bicep")]
    [InlineData("modules/app.bicep", "properties: { reserved: true }", "properties: { reserved: true ", "")]
    [InlineData("modules/app.bicep", "serverFarmId: plan.id", "serverFarmId: plann.id", "'plann' is not declared")]
    [InlineData("modules/vault.bicep", "param vaultName string", "param vaultName string\nparam extra string", "needs parameter 'extra'")]
    [InlineData("modules/vault.bicep", "param vaultName string", "param vaultName string\nparam extra string = ''", "'extra' is not used")]
    [InlineData("main.bicep", "    dailyGb: preset.logDailyGb\n", "", "needs parameter 'dailyGb'")]
    [InlineData("main.bicep", "    dailyGb: preset.logDailyGb\n", "    dailyGB: preset.logDailyGb\n", "has no parameter 'dailyGB'")]
    [InlineData("main.bicep", "identity.outputs.clientId", "identity.outputs.client", "has no output 'client'")]
    [InlineData("main.bicep", "'./modules/vault.bicep'", "'./modules/vaults.bicep'", "there is no ./modules/vaults.bicep")]
    [InlineData("modules/workbook.bicep", "'../workbook.json'", "'../workbooks.json'", "there is no workbooks.json")]
    [InlineData("modules/identity.bicep", "output id string = identity.id", "output id string = identity.id\nvar identity = 1", "declared twice")]
    public void A_wrong_name_is_noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(SymbolCheck.Problems(Committed.With(file, piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void Values_from_presets_roles_and_alerts_fit_where_they_go() => Assert.Empty(ValueCheck.Problems(Committed));

    [Theory]
    [InlineData("presets.json", "\"instanceMemoryMB\": 2048", "\"instanceMemoryMB\": 1024", "not one of")]
    [InlineData("presets.json", "\"partitions\": 12,", "", "preset.partitions is not in the JSON")]
    [InlineData("presets.json", "\"partitions\": 32", "\"partitions\": 33", "beyond its maxValue 32")]
    [InlineData("presets.json", "\"logRetentionDays\": 90", "\"logRetentionDays\": \"90\"", "a string where a int belongs")]
    [InlineData("modules/roles.bicep", "role.keyVaultSecretsUser", "role.keyVaultSecretUser", "role.keyVaultSecretUser is not in the JSON")]
    [InlineData("alerts.json", "\"severity\": 0,", "", "rule.severity is not in the JSON")]
    [InlineData("main.bicep", "param size string = 'dev'", "param size string = 'small'", "not one of")]
    public void A_value_that_does_not_fit_is_noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(ValueCheck.Problems(Committed.With(file, piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void Old_bronze_becomes_cool_and_no_file_of_a_table_goes_where_it_cannot_be_read()
    {
        Assert.Contains("prefixMatch: ['${lakeContainer}/bronze/']", Committed.Text("modules/storage.bicep"), StringComparison.Ordinal);
        Assert.All(Committed.Files.Keys, file => Assert.DoesNotContain("tierToArchive", Committed.Text(file), StringComparison.Ordinal));
    }

    [Fact]
    public void Outputs_hold_no_secret_and_secrets_go_to_secure_parameters_only() => Assert.Empty(SecretCheck.Problems(Committed));

    [Theory]
    [InlineData("main.bicep", "output KAFKA_TOPIC string = kafkaTopic", "output KAFKA_TOPIC string = kafkaPassword", "output 'KAFKA_TOPIC' gives away secure parameter")]
    [InlineData("modules/storage.bicep", "output hostAccountName string = host.name", "output hostAccountName string = host.listKeys().keys[0].value", "output 'hostAccountName' gives away")]
    [InlineData("modules/monitoring.bicep", "output workspaceId string = workspace.id", "output workspaceId string = appInsights.properties.ConnectionString", "gives away appInsights.properties.ConnectionString")]
    [InlineData("modules/kafkasecret.bicep", "@secure()\n", "", "is not secure")]
    [InlineData("main.bicep", "param kafkaPassword string = ''", "param kafkaPassword string = 'hunter2'", "has a value in the file")]
    [InlineData("main.parameters.json", "${KAFKA_PASSWORD=}", "hunter2", "'kafkaPassword' has a value in the file")]
    [InlineData("modules/app.bicep", "var usesScheduler =", "var leak = listen!.listKeys().primaryKey\noutput leaked string = leak\nvar usesScheduler =", "output 'leaked' gives away")]
    public void A_secret_that_leaks_is_noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(SecretCheck.Problems(Committed.With(file, piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void The_settings_are_those_that_the_code_reads_and_the_code_takes_their_values() => Assert.Empty(Settings(Committed));

    [Theory]
    [InlineData("        MaxOpenRanges: '2000'\n", "", "does not set MaxOpenRanges")]
    [InlineData("        KafkaTopic: kafkaTopic\n", "", "does not set KafkaTopic")]
    [InlineData("        LakeConnection__blobServiceUri: lakeBlobEndpoint\n        LakeConnection__clientId: identityClientId\n", "", "does not set LakeConnection")]
    [InlineData("        TASKHUB_NAME: taskHubName\n", "", "does not set TASKHUB_NAME")]
    [InlineData("        KafkaTopic: kafkaTopic\n", "        KafkaTopic: kafkaTopic\n        KafkaTopics: kafkaTopic\n", "nothing reads KafkaTopics")]
    [InlineData("__kafka__sessionTimeoutMs", "__kafka__sessionTimeoutMS", "nothing reads AzureFunctionsJobHost__extensions__kafka__sessionTimeoutMS")]
    [InlineData("WatchdogTimeout: '60s'", "WatchdogTimeout: '90s'", "where the default is '60s'")]
    [InlineData("MaintainSchedule: '0 0 * * * *'", "MaintainSchedule: 'hourly'", "MaintainSchedule is 'hourly'")]
    [InlineData("KafkaPassword: kafka", "KafkaPasswort: kafka", "does not set KafkaPassword")]
    public void A_setting_that_is_unset_unknown_or_refused_is_noticed(string piece, string fault, string problem) =>
        Assert.Contains(Settings(Committed.With("modules/app.bicep", piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void A_preset_that_the_code_refuses_is_noticed() =>
        Assert.Contains(Settings(Committed.With("presets.json", "\"DeltaInterval\": \"60s\"", "\"DeltaInterval\": \"60\"")), p => p.StartsWith("preset dev: Setting DeltaInterval is '60'", StringComparison.Ordinal));

    [Theory]
    [InlineData("KafkaGroup", null, "does not set KafkaGroup")]
    [InlineData("KafkaGrupp", "x", "nothing reads KafkaGrupp")]
    [InlineData("TickSchedule", "often", "TickSchedule is 'often'")]
    public void A_fault_in_the_sample_settings_is_noticed(string name, string? value, string problem)
    {
        var sample = Sample();
        if (value is null)
            sample["Values"]!.AsObject().Remove(name);
        else
            sample["Values"]![name] = value;
        Assert.Contains(SettingsCheck.Problems(Committed, sample, Repository.Read("host.json")), p => p.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void Bindings_refer_to_settings_that_a_scale_controller_finds()
    {
        var names = SettingsCheck.Bindings().ToHashSet();
        Assert.Superset(new HashSet<string> { "BrokerList", "KafkaTopic", "KafkaGroup", "KafkaUser", "KafkaPassword", "TickSchedule", "MaintainSchedule" }, names);
        Assert.Subset(BicepSettings.Of(Committed).Select(s => s.Name).ToHashSet(), names);
    }

    [Fact]
    public void The_app_may_do_what_its_settings_need_and_nothing_else() => Assert.Empty(RoleCheck.Problems(Committed));

    [Theory]
    [InlineData("modules/roles.bicep", "resource lakeBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {\n  name: guid(lake.id, appPrincipalId, role.storageBlobDataContributor)\n  scope: lake\n", "resource lakeBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {\n  name: guid(results.id, appPrincipalId, role.storageBlobDataContributor)\n  scope: results\n", "no storageBlobDataContributor on lake")]
    [InlineData("modules/roles.bicep", "  name: guid(host.id, appPrincipalId, role.storageTableDataContributor)\n  scope: host\n  properties: {\n    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageTableDataContributor)", "  name: guid(host.id, appPrincipalId, role.storageTableDataReader)\n  scope: host\n  properties: {\n    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.storageTableDataReader)", "no storageTableDataContributor on host")]
    [InlineData("modules/roles.bicep", "role.monitoringMetricsPublisher)\n  scope: appInsights", "role.monitoringMetricsPublisher)\n  scope: vault", "no monitoringMetricsPublisher on appInsights")]
    [InlineData("modules/roles.bicep", "role.storageBlobDataReader)\n    principalId: reader.id", "role.storageBlobDataOwner)\n    principalId: reader.id", "lets people do more than read")]
    [InlineData("modules/roles.bicep", "  scope: scheduler\n", "", "reaches further than one resource")]
    [InlineData("modules/app.bicep", "LakeConnection__blobServiceUri: lakeBlobEndpoint", "LakeConnection__blobServiceUri: hostTableEndpoint", "is the address of a table service")]
    [InlineData("modules/app.bicep", "LakeConnection__blobServiceUri: lakeBlobEndpoint", "LakeConnection__dfsServiceUri: lakeBlobEndpoint", "it is not known which role")]
    [InlineData("main.bicep", "lakeAccountName: storage.outputs.lakeAccountName", "lakeAccountName: storage.outputs.hostAccountName", "'lake' is not the account of that name")]
    public void A_role_that_is_missing_or_too_much_is_noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(RoleCheck.Problems(Committed.With(file, piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void The_code_calls_only_services_that_roles_are_assigned_for()
    {
        // A client of another service (queues, Event Hubs, Key Vault) would need a role that nobody thought of.
        var clients = typeof(Composition).Assembly.GetTypes()
            .SelectMany(t => t.GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.DeclaredOnly))
            .SelectMany(f => f.FieldType.IsGenericType ? f.FieldType.GetGenericArguments() : [f.FieldType])
            .Where(t => t.Name.EndsWith("Client", StringComparison.Ordinal) && (t.Namespace?.StartsWith("Azure", StringComparison.Ordinal) == true || t.Namespace?.StartsWith("Microsoft.DurableTask", StringComparison.Ordinal) == true))
            .Select(t => t.Name).Distinct().Order().ToList();
        Assert.NotEmpty(clients);
        Assert.Empty(clients.Except(["BlobClient", "BlockBlobClient", "BlobContainerClient", "BlobServiceClient", "DurableTaskClient", "TableClient", "TableServiceClient"]));
    }

    [Fact]
    public void Every_resource_is_tagged_for_azd() => Assert.Empty(TagCheck.Problems(Committed, Azd()));

    [Theory]
    [InlineData("modules/vault.bicep", "  tags: tags\n", "", "'vault' has not the tags")]
    [InlineData("main.bicep", "'azd-env-name': environmentName", "'azd-env-name': location", "has no azd-env-name")]
    [InlineData("main.bicep", "serviceName: 'pipeline'", "serviceName: 'app'", "no site has the tag azd-service-name 'pipeline'")]
    public void A_missing_tag_is_noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(TagCheck.Problems(Committed.With(file, piece, fault), Azd()), p => p.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void Always_ready_instances_are_of_functions_that_exist()
    {
        var named = AlwaysReady().Matches(Committed.Text("modules/app.bicep")!).Select(m => m.Groups[1].Value).ToHashSet();
        var functions = typeof(Composition).Assembly.GetTypes().SelectMany(t => t.GetMethods())
            .SelectMany(m => m.CustomAttributes.Where(a => a.AttributeType.Name == "FunctionAttribute").Select(a => (string)a.ConstructorArguments[0].Value!)).ToHashSet();
        Assert.NotEmpty(named);
        Assert.Subset(functions, named);
    }

    [Fact]
    public void Only_the_results_account_has_keys_and_only_the_lake_has_directories()
    {
        var accounts = Committed["modules/storage.bicep"].Resources.Where(r => r.Type == "Microsoft.Storage/storageAccounts").ToDictionary(r => r.Symbol, r => r.Body.Property("properties")!);
        Assert.Equal(["host", "lake", "results"], accounts.Keys.Order());
        Assert.Equal(["results"], accounts.Where(a => a.Value.Property("allowSharedKeyAccess")?.Text == "true").Select(a => a.Key));
        Assert.Equal(["host", "lake"], accounts.Where(a => a.Value.Property("allowSharedKeyAccess")?.Text == "false").Select(a => a.Key).Order());
        Assert.Equal(["lake"], accounts.Where(a => a.Value.Property("isHnsEnabled")?.Text == "true").Select(a => a.Key));
    }

    [Fact]
    public void Alerts_cover_what_goes_wrong_and_queries_are_whole()
    {
        var rules = Committed.Json("alerts.json").AsArray();
        var names = rules.Select(r => r!["name"]!.ToString()).ToList();
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.All(["lag", "gap", "quarantine-rate", "tick-age", "watermark", "failures"], what => Assert.Contains(names, n => n.Contains(what, StringComparison.Ordinal)));
        Assert.Empty(QueryProblems(Committed));
    }

    [Theory]
    [InlineData("alerts.json", "AppRequests | where Success == false", "AppRequest | where Success == false")]
    [InlineData("workbook.json", "summarize Failures = count() by", "summarize Failures = count( by")]
    [InlineData("workbook.json", "'tidemark.lag'", "'tidemark.lag")]
    public void A_broken_query_is_noticed(string file, string piece, string fault) => Assert.NotEmpty(QueryProblems(Committed.With(file, piece, fault)));

    [Fact]
    public void Roles_are_the_built_in_ones()
    {
        // From Azure's list of built-in roles; a wrong id would fail at the first deployment only.
        var known = new Dictionary<string, string>
        {
            ["storageBlobDataOwner"] = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
            ["storageBlobDataContributor"] = "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
            ["storageBlobDataReader"] = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
            ["storageQueueDataContributor"] = "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
            ["storageTableDataContributor"] = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
            ["storageTableDataReader"] = "76199698-9eea-4c19-bc75-cec21354c6b6",
            ["monitoringMetricsPublisher"] = "3913510d-42f4-4e42-8a64-420c390055eb",
            ["durableTaskDataContributor"] = "0ad04412-c4d5-4796-b79c-f76d14c8d402",
            ["keyVaultSecretsUser"] = "4633458b-17de-408a-b874-0445c86b69e6",
        };
        Assert.Equal(known, Committed.Json("roles.json").AsObject().ToDictionary(r => r.Key, r => r.Value!.ToString()));
    }

    [Fact]
    public void Names_fit_what_Azure_takes()
    {
        // uniqueString gives 13 characters.
        var token = new string('x', 13);
        string Prefix(string kind) => Committed.Json("abbreviations.json")[kind]!.ToString();
        Assert.All(["", "lake", "res"], part => Assert.Matches("^[a-z0-9]{3,24}$", Prefix("storageAccount") + part + token));
        Assert.Matches("^[a-z][a-z0-9-]{2,23}$", Prefix("keyVault") + token);
        Assert.Matches("^[a-z][a-z0-9-]{5,49}$", Prefix("eventHubNamespace") + token);
        Assert.Matches("^[a-z0-9][a-z0-9-]{1,59}$", Prefix("functionApp") + token);
        Assert.True(Committed.Text("modules/alerts.bicep")!.Contains("groupShortName: 'tidemark'", StringComparison.Ordinal) && "tidemark".Length <= 12);
    }

    /// <summary>Names of metrics in alert rules and the workbook; docs/metrics.md says which there are.</summary>
    [MetricsFact]
    public void Metrics_in_alerts_and_the_workbook_are_documented()
    {
        var documented = Metric().Matches(Repository.Read("docs/metrics.md")).Select(m => m.Value).ToHashSet();
        var named = Metric().Matches(Committed.Text("alerts.json") + Committed.Text("workbook.json")).Select(m => m.Value).ToHashSet();
        Assert.NotEmpty(named);
        Assert.Subset(documented, named);
    }

    [SharedFact("bicep-check/types.json")]
    public void Types_properties_and_enumerations_are_those_of_the_resource_providers()
    {
        var (exitCode, said) = CheckTypes(Committed);
        Assert.True(exitCode == 0 && said.Contains(" 0 errors, 0 warnings", StringComparison.Ordinal), said);
    }

    [SharedTheory("bicep-check/types.json")]
    [InlineData("modules/vault.bicep", "enableRbacAuthorization: true", "enableRbac: true", "enableRbac: not a property")]
    [InlineData("modules/eventhubs.bicep", "kafkaEnabled: true", "kafkaEnabled: 'true'", "expected bool")]
    [InlineData("modules/scheduler.bicep", "    ipAllowlist: ['0.0.0.0/0']\n", "", "required 'ipAllowlist' missing")]
    [InlineData("modules/storage.bicep", "defaultAction: 'Allow'", "defaultAction: 'Permit'", "'Permit' is not one of Allow | Deny")]
    [InlineData("modules/identity.bicep", "@2024-11-30", "@2024-11-31", "no type data")]
    public void A_wrong_property_is_noticed(string file, string piece, string fault, string problem)
    {
        var (exitCode, said) = CheckTypes(Committed.With(file, piece, fault));
        Assert.NotEqual(0, exitCode);
        Assert.Contains(problem, said, StringComparison.Ordinal);
    }

    // Queries begin with a table of Application Insights, and brackets and quotes are whole.
    private static List<string> QueryProblems(BicepProject project) =>
    [
        .. project.Json("alerts.json").AsArray().Select(r => r!["query"]!.ToString())
            .Concat(project.Json("workbook.json")["items"]!.AsArray().Select(i => i!["content"]!["query"]?.ToString()).OfType<string>())
            .Where(q => !Kusto().IsMatch(q) || q.Count(c => c == '(') != q.Count(c => c == ')') || q.Count(c => c == '[') != q.Count(c => c == ']') || q.Count(c => c == '\'') % 2 != 0),
    ];

    private static IReadOnlyList<string> Settings(BicepProject project) => SettingsCheck.Problems(project, Sample(), Repository.Read("host.json"));

    private static JsonNode Sample() => JsonNode.Parse(Repository.Read("local.settings.sample.json"))!;

    private static JsonNode Azd() => Checker.Yaml(Repository.Read("azure.yaml")).Value!;

    // The checker finds its parser beside itself, so it is run from a folder that has one.
    private static (int ExitCode, string Said) CheckTypes(BicepProject project)
    {
        var folder = Directory.CreateTempSubdirectory("tidemark-infra-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(Repository.Shared("bicep-check")!))
                File.WriteAllBytes(Path.Combine(folder, Path.GetFileName(file)), File.ReadAllBytes(file));
            Directory.CreateSymbolicLink(Path.Combine(folder, "node_modules"), Path.Combine(Checker.Folder, "node_modules"));
            project.Write(Path.Combine(folder, "bicep"));
            using var node = Process.Start(new ProcessStartInfo("node", ["check.mjs", "bicep"]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = node.StandardError.ReadToEndAsync();
            var said = node.StandardOutput.ReadToEnd();
            node.WaitForExit();
            return (node.ExitCode, said + errors.Result);
        }
        finally
        {
            // The link goes first: what it points to must stay.
            Directory.Delete(Path.Combine(folder, "node_modules"));
            Directory.Delete(folder, recursive: true);
        }
    }

    [GeneratedRegex(@"^(AppMetrics|AppTraces|AppRequests|AppExceptions) \| ")]
    private static partial Regex Kusto();

    [GeneratedRegex("'function:(\\w+)'")]
    private static partial Regex AlwaysReady();

    [GeneratedRegex("tidemark(\\.[a-z_]+)+")]
    private static partial Regex Metric();
}

/// <summary>Skipped, with the reason, until the metrics are documented.</summary>
public sealed class MetricsFactAttribute : FactAttribute
{
    public MetricsFactAttribute()
    {
        if (!File.Exists(Path.Combine(Repository.Root, "docs", "metrics.md")))
            Skip = "docs/metrics.md is absent: the pipeline sends no metrics of its own yet.";
    }
}
