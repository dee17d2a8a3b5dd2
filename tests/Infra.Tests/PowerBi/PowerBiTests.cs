using System.Text.Json.Nodes;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Sensors;
using Tidemark.Functions.Results;
using Tidemark.Infra.Tests.Support;
using Tidemark.PowerBi;

namespace Tidemark.Infra.Tests.PowerBi;

/// <summary>The project in powerbi/, and that each check notices the faults it is for.</summary>
public sealed class PowerBiTests
{
    private static readonly PowerBiModel Committed = PowerBiModel.Committed;
    private static readonly string Views = PowerBiModel.TableFile("Category Views");

    [Fact]
    public void The_committed_files_are_what_the_pipeline_says()
    {
        var generated = PowerBiProject.Generate(LakeModel.OfClickstream());
        var committed = PowerBiProject.Generated(Path.Combine(Repository.Root, "powerbi")).ToHashSet();
        const string Remedy = "run: dotnet run --project eng/powerbi";
        Assert.True(committed.SetEquals(generated.Keys), $"{string.Join(", ", committed.Except(generated.Keys).Concat(generated.Keys.Except(committed)))} should not be there or is missing; {Remedy}");
        Assert.All(generated, file => Assert.True(file.Value == Committed.Texts[file.Key], $"powerbi/{file.Key} is not what the schemas say; {Remedy}"));
    }

    [Fact]
    public void The_model_is_whole() => Assert.Empty(ModelCheck.Problems(Committed));

    [Theory]
    [InlineData("\tcolumn category\n", "    column category\n", "is indented by something else")]
    [InlineData("\tcolumn category\n", "\tcolumm category\n", "is nothing that a table can have")]
    [InlineData("\t\tdataType: string\n", "\t\tdatatype: string\n", "is nothing that a column can have")]
    [InlineData("\t\tdataType: string\n", "\t\tdataType: text\n", "has no data type")]
    [InlineData("\tcolumn category\n", "\tcolumn view_count\n", "stands twice")]
    [InlineData("\tpartition 'Category Views' = m", "\tpartition 'Category Views = m", "a quote is not closed")]
    [InlineData("\t\tsourceColumn: category\n", "\t\tsourceColumn: kategory\n", "M does not load 'kategory'")]
    [InlineData("Table.SelectRows(Typed, each", "Table.SelectRows(Typed each", "M does not parse")]
    [InlineData("Table.TransformColumns(Columns,", "Table.TransformColumns(Colums,", "M uses Colums, which there is not")]
    [InlineData("Table.TransformColumns(Columns,", "Table.ChangeColumns(Columns,", "M uses Table.ChangeColumns, which there is not")]
    [InlineData("[window_start] >= RangeStart", "[window_start] >= RangeBegin", "M uses RangeBegin, which there is not")]
    [InlineData("\tcolumn event_date\n\t\tdataType: dateTime\n", "\tcolumn event_date\n\t\tdataType: string\n", "joins a string to a dateTime")]
    [InlineData("\tcolumn view_count\n", "\tcolumn views\n", "DAX of 'Views' uses 'Category Views'[view_count]")]
    public void A_fault_in_a_table_is_noticed(string piece, string fault, string problem) => Noticed(Views, piece, fault, problem);

    [Theory]
    [InlineData("Tidemark.SemanticModel/definition/relationships.tmdl", "\tfromColumn: 'Category Views'.event_date", "\tfromColumn: 'Category Views'.date", "is no column")]
    [InlineData("Tidemark.SemanticModel/definition/model.tmdl", "ref table 'Category Views'\n", "", "does not name 'Category Views' once")]
    [InlineData("Tidemark.SemanticModel/definition/model.tmdl", "ref table Category\n", "ref table Categories\n", "names 'Categories', which there is not")]
    [InlineData("Tidemark.SemanticModel/definition/expressions.tmdl", "expression RangeStart", "expression RangeStarts", "M uses RangeStart, which there is not")]
    [InlineData("Tidemark.SemanticModel/definition/expressions.tmdl", "if moment is datetimezone then", "if moment is datetimezone than", "M does not parse")]
    [InlineData("Tidemark.SemanticModel/definition/tables/Measures.tmdl", "DIVIDE([Revenue], [Visitors])", "DIVIDE([Revenue], [Visitor])", "uses [Visitor], which there is not")]
    [InlineData("Tidemark.SemanticModel/definition/tables/Measures.tmdl", "COUNTROWS('Events')", "COUNTROWS('Event')", "uses table 'Event', which there is not")]
    [InlineData("Tidemark.SemanticModel/definition/tables/Measures.tmdl", "DIVIDE([Revenue], [Orders])", "DIVIDE([Revenue], [Orders]", "not balanced")]
    [InlineData("Tidemark.SemanticModel/definition/tables/Category.tmdl", "'Events'[category]", "'Events'[kategory]", "uses 'Events'[kategory]")]
    public void A_fault_elsewhere_in_the_model_is_noticed(string file, string piece, string fault, string problem) => Noticed(file, piece, fault, problem);

    [Fact]
    public async Task Tables_have_the_columns_and_types_of_the_Delta_logs() => Assert.Empty(LakeCheck.Problems(Committed, await LakeCheck.SchemasAsync()));

    [Theory]
    [InlineData("column view_count", "column views", "column view_count of gold/category_views is missing")]
    [InlineData("\tcolumn view_count\n\t\tdataType: int64", "\tcolumn view_count\n\t\tdataType: double", "view_count is double where gold/category_views has long")]
    [InlineData("{[Name = \"category_views\"]}[Content]),\n\t\t\t\t    Columns", "{[Name = \"category_view\"]}[Content]),\n\t\t\t\t    Columns", "")]
    [InlineData("\tpartition 'Category Views'", "\tcolumn extra\n\t\tdataType: string\n\t\tsourceColumn: extra\n\n\tpartition 'Category Views'", "gold/category_views has no column extra")]
    public async Task A_column_that_the_lake_does_not_have_is_noticed(string piece, string fault, string problem)
    {
        var model = Committed.With(Views, piece, fault);
        // The first occurrence of the folder is in the refresh policy; the partition's is the second.
        if (problem.Length == 0)
            (model, problem) = (model.With(Views, "\tpartition 'Category Views' = m\n\t\tmode: import\n\t\tsource =\n\t\t\t\tlet\n\t\t\t\t    Source = DeltaLake.Table(Lake{[Name = \"gold\"]}[Content]{[Name = \"category_views\"]}", "\tpartition 'Category Views' = m\n\t\tmode: import\n\t\tsource =\n\t\t\t\tlet\n\t\t\t\t    Source = DeltaLake.Table(Lake{[Name = \"gold\"]}[Content]{[Name = \"category_view\"]}"), "there is no Delta table gold/category_view");
        Assert.Contains(LakeCheck.Problems(model, await LakeCheck.SchemasAsync()), p => p.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void A_policy_refreshes_what_the_table_loads() => Assert.All(Committed.Tables.Where(t => t.Table.Of("refreshPolicy").Any()), t =>
    {
        Assert.Equal(t.Table.Of("partition").Single().Properties["source"], t.Table.Of("refreshPolicy").Single().Properties["sourceExpression"]);
        Assert.Contains("RangeStart", t.Table.Of("partition").Single().Properties["source"], StringComparison.Ordinal);
    });

    [Fact]
    public void Every_query_has_its_newest_results_and_every_table_of_the_lake_its_refresh_policy()
    {
        var all = new[] { ClickstreamPipeline.Create(new EventOptions("events")), SensorPipeline.Create(new EventOptions("sensors")), PurchasePipeline.Create(new EventOptions("purchases")) };
        Assert.All(all.SelectMany(p => p.Queries.Concat<IOutput>(p.Streams)).Where(o => o.InTableStorage), query =>
        {
            var table = Committed.Table("Latest " + LakeModel.Title(query.Name)) ?? throw new InvalidOperationException($"There is no table of the newest results of {query.Name}; run: dotnet run --project eng/powerbi");
            Assert.Equal(query.Schema.Fields.Select(f => f.Name).Append("is_final").Append("updated_at").Distinct(), table.Of("column").Select(c => c.Name));
            Assert.Contains($"Results{{[Name = \"{ResultKeys.Table(query.Name)}\"]}}", table.Of("partition").Single().Properties["source"], StringComparison.Ordinal);
        });
        Assert.Equal(LakeModel.OfClickstream().Tables.Select(t => t.Name).Order(), Committed.Tables.Where(t => t.Table.Of("refreshPolicy").Any()).Select(t => t.Table.Name).Order());
    }

    [Fact]
    public void Parameters_name_the_pipelines_that_run_with_default_settings() => Assert.All(
        [("Pipeline", "events"), ("SensorsPipeline", "sensors"), ("PurchasesPipeline", "purchases")], p =>
            Assert.Contains($"\"{new Domain.Ledger.PipelineId("v1", p.Item2, 1).Key}\"", Committed.Expressions.Single(e => e.Name == p.Item1).Default, StringComparison.Ordinal));

    [Fact]
    public void Tables_of_topics_that_may_not_be_read_are_empty_where_they_are_not_there()
    {
        foreach (var name in new[] { "Sensor Metrics", "Sensor Alerts", "Order Flow" })
        {
            Assert.Contains("if Folder = null then #table({\"", Committed.Table(name)!.Of("partition").Single().Properties["source"], StringComparison.Ordinal);
            Assert.Contains("[Data] otherwise #table(", Committed.Table("Latest " + name)!.Of("partition").Single().Properties["source"], StringComparison.Ordinal);
        }
        Assert.Contains("= SensorsPipeline)", Committed.Table("Latest Sensor Metrics")!.Of("partition").Single().Properties["source"], StringComparison.Ordinal);
        Assert.Contains("= PurchasesPipeline)", Committed.Table("Latest Order Flow")!.Of("partition").Single().Properties["source"], StringComparison.Ordinal);
    }

    [Fact]
    public void Measures_that_were_asked_for_are_there() =>
        Assert.Superset(new HashSet<string> { "Conversion Rate", "Revenue per Visitor", "Session Minutes", "Cart Abandonment", "Late Share" }, Committed.Measures.Select(m => m.Name).ToHashSet());

    [Fact]
    public void Sums_over_sliding_windows_keep_to_windows_that_do_not_overlap()
    {
        var sliding = Committed.Tables.Where(t => t.Table.Of("column").Any(c => c.Name == "is_whole")).Select(t => t.Table.Name).ToList();
        Assert.Equal(ClickstreamPipeline.Create(new EventOptions("events")).Queries.Where(q => q.SlideMs < q.SizeMs && q.SizeMs % q.SlideMs == 0).Select(q => LakeModel.Title(q.Name)).Order(), sliding.Order());
        Assert.All(Committed.Measures.Where(m => sliding.Any(s => m.Default!.Contains($"SUM('{s}'", StringComparison.Ordinal))), m =>
            Assert.All(sliding.Where(s => m.Default!.Contains($"SUM('{s}'", StringComparison.Ordinal)), s => Assert.Contains($"'{s}'[is_whole] = TRUE()", m.Default, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_report_shows_what_the_model_has()
    {
        Assert.Empty(ReportCheck.Problems(Committed));
        var pages = Committed.Texts.Where(t => t.Key.EndsWith("/page.json", StringComparison.Ordinal)).Select(t => JsonNode.Parse(t.Value)!["displayName"]!.ToString());
        Assert.Equal(["Funnel", "Operations", "Overview", "Revenue"], pages.Order());
    }

    [Theory]
    [InlineData("overview/visuals/overview01/visual.json", "\"Property\": \"Event Count\"", "\"Property\": \"Events Count\"", "there is no measure")]
    [InlineData("overview/visuals/overview07/visual.json", "\"Property\": \"window_start\"", "\"Property\": \"window\"", "there is no column")]
    [InlineData("overview/visuals/overview02/visual.json", "\"x\": 228", "\"x\": 100", "overlap")]
    [InlineData("overview/visuals/overview10/visual.json", "\"width\": 610", "\"width\": 1610", "outside")]
    [InlineData("pages.json", "\"funnel\"", "\"funnels\"", "is not listed")]
    public void A_fault_in_the_report_is_noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(ReportCheck.Problems(Committed.With("Tidemark.Report/definition/pages/" + file, piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    [SharedFact("powerbi/schemas")]
    public void Every_file_is_valid_by_its_schema() => Assert.Empty(Schemas(Committed));

    [SharedTheory("powerbi/schemas")]
    [InlineData("Tidemark.Report/definition/pages/overview/page.json", "\"FitToPage\"", "\"FitPage\"")]
    [InlineData("Tidemark.Report/definition/pages/overview/visuals/overview01/visual.json", "\"drillFilterOtherVisuals\": true", "\"drillFilterOtherVisuals\": \"yes\"")]
    [InlineData("Tidemark.Report/definition.pbir", "\"byPath\"", "\"byPaths\"")]
    [InlineData("Tidemark.SemanticModel/.platform", "\"type\": \"SemanticModel\"", "\"kind\": \"SemanticModel\"")]
    [InlineData("Tidemark.pbip", "\"artifacts\"", "\"artefacts\"")]
    public void A_file_that_its_schema_refuses_is_noticed(string file, string piece, string fault) => Assert.NotEmpty(Schemas(Committed.With(file, piece, fault)));

    [Fact]
    public void Files_refer_to_files_that_are_there()
    {
        Assert.Equal("../Tidemark.SemanticModel", JsonNode.Parse(Committed.Texts["Tidemark.Report/definition.pbir"])!["datasetReference"]!["byPath"]!["path"]!.ToString());
        Assert.Equal("Tidemark.Report", JsonNode.Parse(Committed.Texts["Tidemark.pbip"])!["artifacts"]![0]!["report"]!["path"]!.ToString());
        var theme = JsonNode.Parse(Committed.Texts["Tidemark.Report/definition/report.json"])!["resourcePackages"]![0]!["items"]![0]!["path"]!.ToString();
        var colors = JsonNode.Parse(Committed.Texts[$"Tidemark.Report/StaticResources/RegisteredResources/{theme}"])!["dataColors"]!.AsArray().Select(c => c!.ToString()).ToList();
        Assert.Equal(colors.Count, colors.Distinct().Count());
        Assert.All(colors, c => Assert.Matches("^#[0-9A-F]{6}$", c));
    }

    private static void Noticed(string file, string piece, string fault, string problem) =>
        Assert.Contains(ModelCheck.Problems(Committed.With(file, piece, fault)), p => p.Contains(problem, StringComparison.Ordinal));

    private static IReadOnlyList<string> Schemas(PowerBiModel model) => Checker.Schema(
        Path.Combine(Repository.Shared("powerbi/schemas")!),
        model.Texts.Where(t => (t.Key.EndsWith(".json", StringComparison.Ordinal) && !t.Key.Contains("StaticResources", StringComparison.Ordinal)) || t.Key.EndsWith(".pbip", StringComparison.Ordinal)
            || t.Key.EndsWith(".pbir", StringComparison.Ordinal) || t.Key.EndsWith(".pbism", StringComparison.Ordinal) || t.Key.EndsWith(".platform", StringComparison.Ordinal))
            .ToDictionary(t => t.Key, t => JsonNode.Parse(t.Value)));
}
