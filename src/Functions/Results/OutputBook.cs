using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Results;

/// <summary>What can be asked for by name: the outputs of the pipeline, those that are only in Delta included.</summary>
public sealed class OutputBook
{
    private readonly Dictionary<string, (IOutput Output, PipelineId Id)> _outputs;

    internal OutputBook(IEnumerable<(IPipeline Pipeline, PipelineId Id)> pipelines)
    {
        _outputs = pipelines.SelectMany(p => p.Pipeline.Queries.Concat<IOutput>(p.Pipeline.Streams).Select(o => (Output: o, p.Id))).ToDictionary(o => o.Output.Name);
        All = [.. _outputs.Values.Select(o => o.Output)];
    }

    /// <summary>All of them, queries first.</summary>
    internal IReadOnlyList<IOutput> All { get; }

    /// <summary>The one of that name; null where there is none.</summary>
    internal IOutput? Find(string name) => _outputs.TryGetValue(name, out var found) ? found.Output : null;

    /// <summary>The pipeline that it is of.</summary>
    internal PipelineId IdOf(IOutput output) => _outputs[output.Name].Id;

    /// <summary>Whether Table storage holds rows of it.</summary>
    internal static bool IsInTables(IOutput output) => output is not StreamSpec { Results: StreamResults.None };
}
