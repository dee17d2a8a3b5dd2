using System.Globalization;
using Tidemark.Functions.Status;

namespace Tidemark.LocalHost.Doctor;

/// <summary>Judges what the pipeline says of itself: its ticks, failures, alerts, and what it had to put aside.</summary>
internal static class RunRules
{
    private const double LateToLookAt = 0.01;
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(2);

    /// <param name="status">The last status; null when there is none.</param>
    /// <param name="shouldRun">Whether a pipeline should be at work now: always, but for a data directory on which none runs.</param>
    /// <param name="quarantinePercent">The setting AlertQuarantinePercent.</param>
    /// <param name="now">The time.</param>
    /// <param name="quarantine">Name of the table of refused records.</param>
    public static IEnumerable<Finding> Judge(StatusReport? status, bool shouldRun, int quarantinePercent, DateTimeOffset now, string quarantine = "silver/quarantine")
    {
        if (status is null)
        {
            yield return Finding.Unknown("ticks", "No tick has ended yet.");
            yield break;
        }

        yield return Ticks(status, shouldRun, now);
        if (status.Hold)
            yield return Finding.Warning("back-pressure", Text($"Reading waits, since {status.OpenRanges:N0} ranges are not in Delta and the entities yet."), "See falling-behind in docs/runbook.md.");
        yield return Alerts(status);
        yield return status.Gaps.Count == 0
            ? Finding.Ok("gaps", "No record was lost to retention.")
            : Finding.Failure("gaps", Text($"{status.Gaps.Sum(g => g.To - g.From):N0} offsets were gone before they could be read, the last at {DateTimeOffset.FromUnixTimeMilliseconds(status.Gaps.Max(g => g.DetectedMs)):u}."), "See gap in docs/runbook.md.");
        if (status.EventsIn == 0)
            yield break;
        yield return Late(status);
        yield return Quarantine(status, quarantinePercent, quarantine);
        yield return status.Frontier is { } frontier
            ? Finding.Ok("watermark", Text($"Event time has come to {frontier:u}."))
            : Finding.Warning("watermark", "Events came, and event time has not begun to move: a partition has had none yet.", "It moves when every partition has had an event or has been silent for IdleTimeout.");
    }

    /// <param name="topics">The topics of which anything was read.</param>
    public static Finding Records(IReadOnlyList<string> topics) => topics.Count == 0
        ? Finding.Warning("records", "No record was ever read here.", "Start ./run with this --data, or see whether BrokerList and KafkaTopic name the topic that has them.")
        : Finding.Ok("records", $"Records were read of {string.Join(", ", topics)}.");

    private static Finding Ticks(StatusReport status, bool shouldRun, DateTimeOffset now)
    {
        if (status.LastError is { } error && shouldRun)
            return Finding.Failure("ticks", $"{error.Where} fails and is tried again: {error.Text}", "See the log; docs/runbook.md.");
        var age = now - status.UpdatedAt;
        return !shouldRun
            ? Finding.Unknown("ticks", Text($"No pipeline runs now; the last tick ended at {status.UpdatedAt:u}."))
            : age > Stale
                ? Finding.Failure("ticks", Text($"The last tick ended {age.TotalMinutes:0} minutes ago."), "See whether the app runs and the function Tick is enabled.")
                : Finding.Ok("ticks", Text($"The last tick took {status.TickMs:N0} ms."));
    }

    private static Finding Alerts(StatusReport status)
    {
        var active = status.Alerts.Where(a => a.Active && a.Severity != "informational").ToList();
        if (active.Count == 0)
            return Finding.Ok("alerts", "No alert is active.");
        var worst = active.OrderBy(a => a.Severity == "critical" ? 0 : a.Severity == "error" ? 1 : 2).First();
        var text = $"{worst.Name} ({worst.Severity}): {worst.Text}{(active.Count > 1 ? Text($" And {active.Count - 1} more.") : "")}";
        var remedy = $"See {worst.Name} in docs/runbook.md.";
        return worst.Severity == "warning" ? Finding.Warning("alerts", text, remedy) : Finding.Failure("alerts", text, remedy);
    }

    private static Finding Late(StatusReport status)
    {
        var (query, late) = Largest(status, "late/");
        var share = (double)late / status.EventsIn;
        return share > LateToLookAt
            ? Finding.Warning("late events", Text($"{share * 100:0.##} % of all events were late for {query}."), "Run ./run watermarks, which suggests delays; ./run late list has each of them.")
            : Finding.Ok("late events", late == 0 ? "No event was late." : Text($"At most {share * 100:0.####} % of all events were late for a query ({query})."));
    }

    private static Finding Quarantine(StatusReport status, int percent, string table)
    {
        var all = status.Counts.Where(c => c.Key.StartsWith("quarantined/", StringComparison.Ordinal)).Sum(c => c.Value);
        var share = (double)all / status.EventsIn;
        return share * 100 > percent
            ? Finding.Warning("quarantine", Text($"{share * 100:0.##} % of all records are in quarantine, most as {Largest(status, "quarantined/").Name}."), $"Look at them on the page or with ./run show {table}; they can be sent again.")
            : Finding.Ok("quarantine", Text($"{share * 100:0.####} % of all records are in quarantine."));
    }

    private static (string Name, long Count) Largest(StatusReport status, string prefix)
    {
        var found = status.Counts.Where(c => c.Key.StartsWith(prefix, StringComparison.Ordinal)).OrderByDescending(c => c.Value).FirstOrDefault();
        return found.Key is null ? ("", 0) : (found.Key[prefix.Length..], found.Value);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
