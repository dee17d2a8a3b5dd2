using Tidemark.Delta;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Results;

namespace Tidemark.PowerBi;

/// <summary>A Delta table as the report's model sees it.</summary>
/// <param name="Path">Its place in the lake, e.g. <c>gold/category_views</c>.</param>
/// <param name="Name">Name in the model, e.g. <c>Category Views</c>.</param>
/// <param name="Fields">Its columns; bytes are left out, since a model holds none.</param>
/// <param name="PartitionColumns">Delta's.</param>
/// <param name="Output">The query or stream that fills it, if one does.</param>
internal sealed record LakeModelTable(string Path, string Name, IReadOnlyList<RowField> Fields, IReadOnlyList<string> PartitionColumns, IOutput? Output)
{
    /// <summary>The window query that fills it, if one does.</summary>
    public QuerySpec? Query => Output as QuerySpec;
}

/// <summary>All tables that a run makes: in the lake, and of the newest results.</summary>
internal sealed class LakeModel
{
    private static readonly Dictionary<string, string> Names = new() { ["bronze/events"] = "Raw Events", ["silver/events"] = "Events", ["silver/late"] = "Late Events" };

    public LakeModel(IPipeline pipeline)
    {
        IReadOnlyList<IOutput> outputs = [.. pipeline.Queries, .. pipeline.Streams];
        var lake = new LakeTables(new MemoryObjectStore(), pipeline, TimeProvider.System);
        Tables = [.. lake.Names.Select(path => new LakeModelTable(
            path,
            Names.GetValueOrDefault(path) ?? Title(path[(path.LastIndexOf('/') + 1)..]),
            [.. lake[path].Rows.Fields.Where(f => f.Type != FieldType.Binary)],
            lake[path].PartitionColumns,
            outputs.FirstOrDefault(o => path == Domain.Ledger.TableNames.Gold(o.Name))))];
        Results = [.. outputs.Where(o => o.InTableStorage).Select(o => (ResultKeys.Table(o.Name), o))];
        if (Tables.GroupBy(t => t.Name).FirstOrDefault(g => g.Count() > 1) is { } clash)
            throw new InvalidOperationException($"Tables {string.Join(" and ", clash.Select(t => t.Path))} would both be '{clash.Key}'; give one a name of its own in {nameof(LakeModel)}.{nameof(Names)}.");
    }

    /// <summary>Delta tables in the lake's order.</summary>
    public IReadOnlyList<LakeModelTable> Tables { get; }

    /// <summary>Tables of Table storage with the queries and streams that fill them.</summary>
    public IReadOnlyList<(string Table, IOutput Output)> Results { get; }

    public static LakeModel OfClickstream() => new(ClickstreamPipeline.Create(new EventOptions("events")));

    /// <summary><c>category_views</c> becomes <c>Category Views</c>.</summary>
    public static string Title(string name) =>
        string.Join(' ', name.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}
