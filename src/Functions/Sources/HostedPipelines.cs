using Microsoft.DurableTask.Entities;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Sources;

/// <summary>What is computed over one topic, and under which id.</summary>
/// <param name="Name">Name in answers and alerts: <c>events</c>, <c>sensors</c>, …</param>
/// <param name="Id">First part of every id that is stored.</param>
/// <param name="Pipeline">Tables, queries and streams.</param>
/// <param name="Kafka">The topic, with the trigger's consumer group.</param>
public sealed record HostedPipeline(string Name, PipelineId Id, IPipeline Pipeline, KafkaOptions? Kafka = null);

/// <summary>The pipelines of this deployment, the main one first. No two have a table of the same name.</summary>
public sealed class HostedPipelines
{
    /// <summary>Name of the main topic's pipeline.</summary>
    public const string Main = "events";

    /// <summary>Name of the pipeline of readings.</summary>
    public const string Sensors = "sensors";

    /// <summary>Name of the pipeline of purchases.</summary>
    public const string Purchases = "purchases";

    /// <summary>Name of the pipeline that joins the main topic and that of purchases.</summary>
    public const string Joined = "joined";

    /// <summary>Throws <see cref="InvalidSettingException"/> when ids of one would be too long, and <see cref="ArgumentException"/> when two have a name in common.</summary>
    public HostedPipelines(IReadOnlyList<HostedPipeline> all)
    {
        All = all;
        foreach (var hosted in all)
            EntityNames.Check(hosted.Id, hosted.Pipeline);
        var names = all.SelectMany(h => h.Pipeline.Tables.Select(t => t.Name).Concat(OutputsOf(h.Pipeline).Select(o => TableNames.Gold(o.Name)))).Concat(all.Select(h => h.Id.ToString()));
        if (names.GroupBy(name => name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Two hosted pipelines have '{twice.Key}'; give one of them another name.", nameof(all));
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<HostedPipeline> All { get; }

    /// <summary>The pipeline of the main topic.</summary>
    public HostedPipeline First => All[0];

    /// <summary>All queries, then all streams, pipeline by pipeline, that Table storage holds rows of.</summary>
    public IReadOnlyList<IOutput> Outputs => [.. All.SelectMany(h => NewestRows.Outputs(h.Pipeline))];

    /// <summary>The pipeline that an entity belongs to; throws <see cref="FormatException"/> when none of them has it.</summary>
    public HostedPipeline Of(EntityInstanceId entity) =>
        All.FirstOrDefault(h => entity.Key.StartsWith($"{h.Id}/", StringComparison.Ordinal))
            ?? throw new FormatException($"Entity '{entity}' belongs to none of the pipelines {string.Join(", ", All.Select(h => h.Id))}.");

    /// <summary>The pipeline that an output is of.</summary>
    internal HostedPipeline Of(IOutput output) => All.First(h => OutputsOf(h.Pipeline).Contains(output));

    /// <summary>The table of a pipeline that a join follows, how far beyond the newest event the join needs the frontier, and the pipeline on its other side; null = no join follows it.</summary>
    internal (string Table, long HorizonMs, HostedPipeline Partner)? FollowedBy(HostedPipeline hosted)
    {
        foreach (var stream in All.SelectMany(h => h.Pipeline.Streams))
            for (var side = 0; side < 2 && stream.Joined is not null; side++)
                if (stream.Joined[side].Id == hosted.Id)
                    return (stream.Joined[side].Table, stream.HorizonMs, All.First(h => h.Id == stream.Joined[1 - side].Id));
        return null;
    }

    private static IEnumerable<IOutput> OutputsOf(IPipeline pipeline) => pipeline.Queries.Concat<IOutput>(pipeline.Streams);
}
