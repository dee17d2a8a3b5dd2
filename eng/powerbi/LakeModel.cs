using Tidemark.Delta;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Sensors;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Results;

namespace Tidemark.PowerBi;

/// <summary>A Delta table as the report's model sees it.</summary>
/// <param name="Path">Its place in the lake, e.g. <c>gold/category_views</c>.</param>
/// <param name="Name">Name in the model, e.g. <c>Category Views</c>.</param>
/// <param name="Fields">Its columns; bytes are left out, since a model holds none.</param>
/// <param name="PartitionColumns">Delta's.</param>
/// <param name="Output">The query or stream that fills it, if one does.</param>
/// <param name="IsOptional">Whether it may be absent, as its topic is read only where a setting names it; then it is empty.</param>
internal sealed record LakeModelTable(string Path, string Name, IReadOnlyList<RowField> Fields, IReadOnlyList<string> PartitionColumns, IOutput? Output, bool IsOptional = false)
{
    /// <summary>The window query that fills it, if one does.</summary>
    public QuerySpec? Query => Output as QuerySpec;
}

/// <summary>A table of the newest results.</summary>
/// <param name="Table">Its name in Table storage.</param>
/// <param name="Output">The query or stream that fills it.</param>
/// <param name="Pipeline">The parameter that says whose rows are shown.</param>
/// <param name="IsOptional">Whether it may be absent.</param>
internal sealed record LatestModelTable(string Table, IOutput Output, string Pipeline, bool IsOptional);

/// <summary>What is computed over a topic that is read only where a setting names it: of these the model has results alone.</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Parameter">The parameter that says whose rows are shown.</param>
internal sealed record FurtherPipeline(IPipeline Pipeline, string Parameter);

/// <summary>All tables that a run makes: in the lake, and of the newest results.</summary>
internal sealed class LakeModel
{
    private static readonly Dictionary<string, string> Names = new() { ["bronze/events"] = "Raw Events", ["silver/events"] = "Events", ["silver/late"] = "Late Events" };

    public LakeModel(IPipeline pipeline, params IReadOnlyList<FurtherPipeline> further)
    {
        IReadOnlyList<IOutput> outputs = [.. pipeline.Queries, .. pipeline.Streams];
        var lake = new LakeTables(new MemoryObjectStore(), [pipeline], TimeProvider.System);
        IReadOnlyList<LakeModelTable> tables = [.. lake.Names.Select(path => new LakeModelTable(
            path,
            Names.GetValueOrDefault(path) ?? Title(path[(path.LastIndexOf('/') + 1)..]),
            [.. lake[path].Rows.Fields.Where(f => f.Type != FieldType.Binary)],
            lake[path].PartitionColumns,
            outputs.FirstOrDefault(o => path == Domain.Ledger.TableNames.Gold(o.Name))))];
        var others = further.SelectMany(f => f.Pipeline.Queries.Concat<IOutput>(f.Pipeline.Streams).Select(o => (Output: o, f.Parameter))).ToList();
        Tables = [.. tables, .. others.Select(o => new LakeModelTable(
            Domain.Ledger.TableNames.Gold(o.Output.Name), Title(o.Output.Name), [.. o.Output.Schema.Fields.Where(f => f.Type != FieldType.Binary)], [], o.Output, IsOptional: true))];
        Results =
        [
            .. outputs.Where(o => o.InTableStorage).Select(o => new LatestModelTable(ResultKeys.Table(o.Name), o, "Pipeline", false)),
            .. others.Where(o => o.Output.InTableStorage).Select(o => new LatestModelTable(ResultKeys.Table(o.Output.Name), o.Output, o.Parameter, true)),
        ];
        if (Tables.GroupBy(t => t.Name).FirstOrDefault(g => g.Count() > 1) is { } clash)
            throw new InvalidOperationException($"Tables {string.Join(" and ", clash.Select(t => t.Path))} would both be '{clash.Key}'; give one a name of its own in {nameof(LakeModel)}.{nameof(Names)}.");
    }

    /// <summary>Delta tables in the lake's order.</summary>
    public IReadOnlyList<LakeModelTable> Tables { get; }

    /// <summary>Tables of Table storage.</summary>
    public IReadOnlyList<LatestModelTable> Results { get; }

    public static LakeModel OfClickstream() => new(
        ClickstreamPipeline.Create(new EventOptions("events")),
        new FurtherPipeline(SensorPipeline.Create(new EventOptions("sensors")), "SensorsPipeline"),
        new FurtherPipeline(PurchasePipeline.Create(new EventOptions("purchases")), "PurchasesPipeline"));

    /// <summary><c>category_views</c> becomes <c>Category Views</c>.</summary>
    public static string Title(string name) =>
        string.Join(' ', name.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}
