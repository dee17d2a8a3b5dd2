using System.Globalization;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Lake;

/// <summary>Where things lie in the lake's container: tables at their names, staged partials below <c>_staging/{id}</c>, large states below <c>_state/{id}</c>.</summary>
internal static class LakePaths
{
    /// <summary>Folder of the staged partials of all pipelines.</summary>
    public const string AllStaging = "_staging/";

    /// <summary>Folder of all staged partials of the pipeline.</summary>
    public static string Staging(PipelineId id) => $"{AllStaging}{id}/";

    /// <summary><c>_staging/{id}/{partition:D5}/{from:D20}-{attempt}</c>.</summary>
    public static string Partials(PipelineId id, int partition, long from, string attempt) =>
        string.Create(CultureInfo.InvariantCulture, $"{Staging(id)}{partition:D5}/{from:D20}-{attempt}");

    /// <summary>Folder of all states of entities that are too large for them.</summary>
    public static string States(PipelineId id) => $"_state/{id}/";

    /// <summary><c>_state/{id}/{entity}/{baseVersion:D10}-{attempt}</c>.</summary>
    public static string State(PipelineId id, EntityKey entity, long baseVersion, string attempt) =>
        string.Create(CultureInfo.InvariantCulture, $"{States(id)}{entity}/{baseVersion:D10}-{attempt}");

    /// <summary>Entity of a blob with a state, and the version that it was made upon; null for a name of another form.</summary>
    public static (EntityKey Entity, long BaseVersion)? ParseState(PipelineId id, string name)
    {
        var states = States(id);
        var cut = name.LastIndexOf('/');
        if (!name.StartsWith(states, StringComparison.Ordinal) || cut <= states.Length)
            return null;
        var dash = name.IndexOf('-', cut);
        return dash > cut && long.TryParse(name.AsSpan(cut + 1, dash - cut - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            && name[states.Length..cut].Contains('/', StringComparison.Ordinal)
            ? (EntityKey.Parse(name[states.Length..cut]), version)
            : null;
    }

    /// <summary>Partition and first offset of a staged blob; null for a name of another form.</summary>
    public static (int Partition, long From)? ParsePartials(PipelineId id, string name)
    {
        var staging = Staging(id);
        if (!name.StartsWith(staging, StringComparison.Ordinal))
            return null;
        var parts = name[staging.Length..].Split('/');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            && parts[1].IndexOf('-', StringComparison.Ordinal) is var dash and > 0
            && long.TryParse(parts[1].AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            ? (partition, from)
            : null;
    }
}
