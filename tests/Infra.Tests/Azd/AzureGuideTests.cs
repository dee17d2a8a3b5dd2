using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tidemark.Functions.Results;
using Tidemark.Infra.Tests.Bicep;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Azd;

/// <summary>docs/azure.md is a script: its commands parse, and name variables, outputs, providers and sizes that there are.</summary>
public sealed partial class AzureGuideTests
{
    private static readonly string Guide = Repository.Read("docs/azure.md");

    [Fact]
    public void Commands_are_whole() => Assert.Empty(Broken(Guide));

    [Fact]
    public void A_command_that_is_not_whole_is_noticed() => Assert.NotEmpty(Broken(Guide.Replace("done\naz provider list", "az provider list", StringComparison.Ordinal)));

    [Fact]
    public void Variables_are_those_that_the_templates_take_and_make() => Assert.Empty(Unknown(Guide));

    [Theory]
    [InlineData("azd env set TIDEMARK_SIZE dev", "azd env set TIDE_SIZE dev", "TIDE_SIZE is no variable")]
    [InlineData("\"$LAKE_STORAGE_ACCOUNT\" -f", "\"$LAKE_ACCOUNT\" -f", "LAKE_ACCOUNT is no output")]
    [InlineData("Microsoft.EventHub ", "", "Microsoft.EventHub is not registered")]
    [InlineData("| `KAFKA_KEY` |", "| `KAFKA_KEYS` |", "KAFKA_KEY is not explained")]
    public void A_variable_or_provider_that_is_not_known_is_noticed(string piece, string fault, string problem)
    {
        Assert.Contains(piece, Guide, StringComparison.Ordinal);
        Assert.Contains(Unknown(Guide.Replace(piece, fault, StringComparison.Ordinal)), p => p.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void The_table_of_sizes_is_that_of_the_presets()
    {
        var presets = BicepProject.Committed.Json("presets.json");
        string Of(string size, string name) => presets[size]![name]!.ToString();
        string[] sizes = ["dev", "standard", "large"];
        string Row(Func<string, string> cell) => string.Join(" | ", sizes.Select(cell));
        Assert.Contains(Row(s => $"{Of(s, "partitions")}; {Of(s, "throughputUnits")} ({Of(s, "throughputUnitsMaximum")})"), Guide, StringComparison.Ordinal);
        Assert.Contains(Row(s => $"{Of(s, "retentionHours")} h"), Guide, StringComparison.Ordinal);
        Assert.Contains(Row(s => $"{Of(s, "logDailyGb")} GB, {Of(s, "logRetentionDays")} days"), Guide, StringComparison.Ordinal);
        Assert.Contains(Row(s => $"{Regex.Match(presets[s]!["settings"]!["TickSchedule"]!.ToString(), "\\d+").Value} s, {presets[s]!["settings"]!["DeltaInterval"]!.ToString().Replace("s", " s", StringComparison.Ordinal)}"), Guide, StringComparison.Ordinal);
        Assert.Contains($"| {presets["dev"]!["instanceMemoryMB"]!.GetValue<int>() / 1024} GB, none | {presets["standard"]!["instanceMemoryMB"]!.GetValue<int>() / 1024} GB, {Of("standard", "alwaysReadyIngest")} for reading and {Of("standard", "alwaysReadyTick")} for ticks | {presets["large"]!["instanceMemoryMB"]!.GetValue<int>() / 1024} GB, {Of("large", "alwaysReadyIngest")} and {Of("large", "alwaysReadyTick")} |", Guide, StringComparison.Ordinal);
    }

    [Fact]
    public void Fixed_costs_follow_from_the_presets_and_the_prices_beside_them()
    {
        const double Hours = 730;
        var presets = BicepProject.Committed.Json("presets.json");
        string[] sizes = ["dev", "standard", "large"];
        double Number(string size, string name) => presets[size]![name]!.GetValue<double>();
        double Gigabytes(string size) => Number(size, "instanceMemoryMB") / 1024;
        Assert.Contains(Row(s => Number(s, "throughputUnits") * 0.03 * Hours), Guide, StringComparison.Ordinal);
        Assert.Contains(Row(s => (Number(s, "alwaysReadyIngest") + Number(s, "alwaysReadyTick")) * Gigabytes(s) * Hours * 3600 * 0.000004), Guide, StringComparison.Ordinal);
        Assert.Contains(Row(s => s == "dev" ? (Gigabytes(s) * Hours * 3600 / 10 - 100_000) * 0.000026 : Gigabytes(s) * Hours * 3600 / 2 * 0.000016), Guide, StringComparison.Ordinal);
        Assert.Contains(Row(s => Number(s, "logDailyGb") * 30 * 2.30), Guide, StringComparison.Ordinal);

        string Row(Func<string, double> dollars) => "| " + string.Join(" | ", sizes.Select(s => dollars(s).ToString("#,##0", System.Globalization.CultureInfo.InvariantCulture))) + " |";
    }

    [Fact]
    public void Tables_that_are_named_exist()
    {
        var tables = Tidemark.PowerBi.LakeModel.OfClickstream();
        Assert.All(Regex.Matches(Guide, "--table-name (\\w+)").Select(m => m.Groups[1].Value), name => Assert.Contains(name, tables.Results.Select(r => r.Table)));
        Assert.All(Regex.Matches(Guide, "--path (\\S+)").Select(m => m.Groups[1].Value), path => Assert.Contains(path, tables.Tables.Select(t => t.Path)));
        Assert.Equal("CategoryViews", ResultKeys.Table("category_views"));
    }

    // Shell blocks that bash cannot read.
    private static List<string> Broken(string guide)
    {
        var broken = new List<string>();
        foreach (Match block in Block().Matches(guide))
        {
            using var bash = Process.Start(new ProcessStartInfo("bash", ["-n"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
            bash.StandardInput.Write(block.Groups[1].Value);
            bash.StandardInput.Close();
            var said = bash.StandardError.ReadToEnd();
            bash.WaitForExit();
            if (bash.ExitCode != 0)
                broken.Add(said);
        }

        return broken;
    }

    private static List<string> Unknown(string guide)
    {
        var project = BicepProject.Committed;
        var parameters = Parameter().Matches(project.Text("main.parameters.json")!).Select(m => m.Groups[1].Value).ToHashSet();
        var outputs = project["main.bicep"].Outputs.Select(o => o.Name).ToHashSet();
        var script = string.Join('\n', Block().Matches(guide).Select(m => m.Groups[1].Value));
        var problems = new List<string>();
        problems.AddRange(Set().Matches(script).Select(m => m.Groups[1].Value).Where(v => !parameters.Contains(v)).Select(v => $"{v} is no variable of main.parameters.json"));
        problems.AddRange(Used().Matches(guide).Select(m => m.Groups[1].Value).Where(v => !outputs.Contains(v) && !script.Contains($"{v}=", StringComparison.Ordinal)).Select(v => $"{v} is no output of main.bicep"));
        problems.AddRange(parameters.Where(v => !v.StartsWith("AZURE_", StringComparison.Ordinal) && !guide.Contains($"`{v}`", StringComparison.Ordinal)).Select(v => $"{v} is not explained"));
        var providers = project.Files.Values.SelectMany(f => f.Resources).Select(r => r.Type.Split('/')[0]).ToHashSet();
        problems.AddRange(providers.Where(p => !Regex.IsMatch(script, $@"for provider in [^;]*{Regex.Escape(p)}[ ;]")).Select(p => $"{p} is not registered"));
        return problems;
    }

    [GeneratedRegex("^```bash\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"azd env set(?:-secret)? ([A-Z_]+)")]
    private static partial Regex Set();

    [GeneratedRegex(@"\$([A-Z][A-Z_]+)\b")]
    private static partial Regex Used();

    [GeneratedRegex(@"\$\{([A-Z_]+)")]
    private static partial Regex Parameter();
}
