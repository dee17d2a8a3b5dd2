using Microsoft.DurableTask.Entities;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Entities;

/// <summary>
/// Ids of slice entities: <c>@slices@{id}/{entity}</c>. The Durable Task Scheduler takes ids of up to 100 printable ASCII characters, and every
/// backend keeps the key's case.
/// </summary>
internal static class EntityNames
{
    /// <summary>The entity function's name; ids hold it in lower case.</summary>
    public const string Function = "Slices";

    public const int LongestId = 100;

    // What a slice's start takes: milliseconds since 1970 until the year 2286, and a margin.
    private const int LongestStart = 14;

    public static EntityInstanceId Of(PipelineId pipeline, EntityKey entity) => new(Function, $"{pipeline}/{entity}");

    /// <summary>Prefix of the ids of all entities of the pipeline.</summary>
    public static string Prefix(PipelineId pipeline) => $"@{Function.ToLowerInvariant()}@{pipeline}/";

    public static EntityKey Parse(PipelineId pipeline, EntityInstanceId id)
    {
        var prefix = $"{pipeline}/";
        return id.Key.StartsWith(prefix, StringComparison.Ordinal)
            ? EntityKey.Parse(id.Key[prefix.Length..])
            : throw new FormatException($"Entity '{id}' does not belong to pipeline {pipeline}.");
    }

    /// <summary>Throws <see cref="InvalidSettingException"/> when ids of this pipeline would be too long.</summary>
    public static void Check(PipelineId pipeline, IPipeline definition)
    {
        var bundle = definition.Queries.Select(q => q.Bundle).Concat(definition.Streams.Select(s => "~" + s.Name)).Append("").MaxBy(b => b.Length)!;
        var length = Prefix(pipeline).Length + bundle.Length + 1 + LongestStart;
        if (length > LongestId)
            throw new InvalidSettingException(
                Settings.Names.KafkaTopic,
                $"is '{pipeline.Topic}' and {Settings.Names.PipelineVersion} '{pipeline.Version}': ids of durable entities would take {length} characters of {LongestId}; use a shorter version or a topic whose name is {length - LongestId} characters shorter.");
    }
}
