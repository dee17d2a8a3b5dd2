using System.Globalization;
using Tidemark.Functions.Status;

namespace Tidemark.LocalHost.Doctor;

/// <summary>A Delta table as it was found: version −1 = not there yet; a failure = it could not be read, and why.</summary>
internal sealed record TableFacts(string Name, long Version, int SmallFiles, string? Failure);

/// <summary>Judges the Delta tables and their maintenance.</summary>
internal static class LakeRules
{
    private const long CommitsWithoutMaintenance = 1000;
    private static readonly TimeSpan MaintainedWithin = TimeSpan.FromHours(25);

    public static IEnumerable<Finding> Judge(IReadOnlyList<TableFacts> tables, IReadOnlyList<MaintainedTableRow> maintained, DateTimeOffset now)
    {
        var broken = tables.Where(t => t.Failure is not null).ToList();
        var there = tables.Where(t => t.Failure is null && t.Version >= 0).ToList();
        yield return broken.Count > 0
            ? Finding.Failure("tables", Text($"{broken.Count} of {tables.Count} tables cannot be read; {broken[0].Name}: {broken[0].Failure}"), "See docs/delta.md; if a file is gone, restore it from the account's soft delete.")
            : there.Count == 0
                ? Finding.Unknown("tables", "There is no table yet: the first run makes them.")
                : Finding.Ok("tables", Text($"{there.Count} tables can be read."));
        if (there.Count > 0)
            yield return Maintenance(there, maintained, now);
        var crowded = there.Where(t => t.SmallFiles > new AlertOptions().SmallFiles).ToList();
        if (crowded.Count > 0)
            yield return Finding.Warning("small files", Text($"{crowded[0].Name} has {crowded[0].SmallFiles:N0} small files{(crowded.Count > 1 ? Text($", and {crowded.Count - 1} tables more have too many") : "")}."), "Run ./run maintain, or MaintainSchedule more often; a longer DeltaInterval makes fewer.");
    }

    /// <summary>Enriched events that were made once and are not now.</summary>
    public static Finding NotContinued(string sentence) =>
        Finding.Warning("enrichment", sentence, "Set Catalog, Customers or Countries to what it was made with: events that are read without are never joined later, but by a replay.");

    private static Finding Maintenance(IReadOnlyList<TableFacts> tables, IReadOnlyList<MaintainedTableRow> maintained, DateTimeOffset now)
    {
        if (maintained.Count == 0)
        {
            return tables.Max(t => t.Version) < CommitsWithoutMaintenance
                ? Finding.Unknown("maintenance", "The function Maintain has not run yet, and there is little to maintain.")
                : Finding.Warning("maintenance", Text($"The function Maintain has never run, and a table is at version {tables.Max(t => t.Version):N0}."), "See that MaintainSchedule is set and the function enabled; ./run maintain does it by hand.");
        }

        var last = maintained.Max(t => t.At);
        return now - last > MaintainedWithin
            ? Finding.Warning("maintenance", Text($"The last round was at {last:u}."), "See why the function Maintain fails or does not run; ./run maintain does it by hand.")
            : Finding.Ok("maintenance", Text($"The last round was at {last:u}."));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
