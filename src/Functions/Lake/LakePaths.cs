using System.Globalization;
using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Lake;

/// <summary>Where things lie in the lake's container: tables at their names, staged partials below <c>_staging/{id}</c>.</summary>
internal static class LakePaths
{
    /// <summary>Folder of all staged partials of the pipeline.</summary>
    public static string Staging(PipelineId id) => $"_staging/{id}/";

    /// <summary><c>_staging/{id}/{partition:D5}/{from:D20}-{attempt}</c>.</summary>
    public static string Partials(PipelineId id, int partition, long from, string attempt) =>
        string.Create(CultureInfo.InvariantCulture, $"{Staging(id)}{partition:D5}/{from:D20}-{attempt}");

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
