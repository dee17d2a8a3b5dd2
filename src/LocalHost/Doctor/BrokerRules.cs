using System.Globalization;

namespace Tidemark.LocalHost.Doctor;

/// <summary>What the brokers told of the topic. Null = they did not tell.</summary>
/// <param name="Brokers">Number of brokers.</param>
/// <param name="Partitions">The topic's partitions; empty when there is no such topic.</param>
/// <param name="RetentionMs">The topic's retention; −1 = for ever.</param>
/// <param name="WhyNoSettings">Why the topic's settings could not be read.</param>
/// <param name="Missing">Topics that the pipeline is to write to (results, alerts, dead letters) and that are not there.</param>
/// <param name="IsEmulator">Whether it is the emulator that ./run starts.</param>
internal sealed record BrokerFacts(
    int Brokers, IReadOnlyList<PartitionFacts> Partitions, long? RetentionMs, string? WhyNoSettings, IReadOnlyList<string> Missing, bool IsEmulator);

/// <summary>A partition as Kafka and the ledger have it.</summary>
/// <param name="Partition">Its number.</param>
/// <param name="Replicas">Copies that it should have, and those that are in step.</param>
/// <param name="InSync">See <paramref name="Replicas"/>.</param>
/// <param name="Start">Its first offset in Kafka.</param>
/// <param name="End">Offset after its last.</param>
/// <param name="Committed">The group's offset; null when it has none.</param>
/// <param name="Next">Where the ledger goes on; null when that is not known.</param>
internal sealed record PartitionFacts(int Partition, int Replicas, int InSync, long Start, long End, long? Committed, long? Next);

/// <summary>Judges Kafka: topic, copies, retention, skew, lag.</summary>
internal static class BrokerRules
{
    private const int LeastReplicas = 3;
    private const double MostSkew = 2;
    private const long EnoughRecords = 1000;
    private static readonly TimeSpan LeastRetention = TimeSpan.FromDays(7);

    public static IEnumerable<Finding> Judge(BrokerFacts facts, string topic, long alertLag, string setting = "KafkaTopic")
    {
        yield return Finding.Ok("brokers", facts.IsEmulator ? "The emulator that ./run starts answers." : Text($"{facts.Brokers} brokers answer."));
        if (facts.Partitions.Count == 0)
        {
            yield return Finding.Failure("topic", $"There is no topic {topic}.", $"Create it (on Azure the templates do), or correct {setting}.");
            yield break;
        }

        yield return Parallelism(facts.Partitions, topic);
        yield return Copies(facts);
        yield return Retention(facts);
        yield return Skew(facts.Partitions);
        yield return Lag(facts.Partitions, alertLag);
        yield return Group(facts.Partitions);
        foreach (var missing in facts.Missing)
            yield return Finding.Failure("own topics", $"There is no topic {missing}, which results, alerts or dead letters are to go to.", "Create it, or correct the setting.");
    }

    private static Finding Parallelism(IReadOnlyList<PartitionFacts> partitions, string topic) => partitions.Count == 1
        ? Finding.Warning("topic", $"{topic} has one partition, so one instance reads it and no second can help.", "Give a busy topic at least four partitions, in a new topic: keys move when partitions are added.")
        : Finding.Ok("topic", Text($"{topic} has {partitions.Count} partitions, so up to as many instances can read it."));

    private static Finding Copies(BrokerFacts facts)
    {
        if (facts.IsEmulator)
            return Finding.Unknown("replication", "The emulator has one broker and holds records in memory: it is for trying out.");
        var least = facts.Partitions.Min(p => p.Replicas);
        var behind = facts.Partitions.Where(p => p.InSync < p.Replicas).Select(p => p.Partition).ToList();
        return behind.Count > 0
            ? Finding.Warning("replication", $"Copies of partitions {Few(behind)} are out of step.", "Look at the brokers that hold them.")
            : least < LeastReplicas
                ? Finding.Warning("replication", Text($"Each record has {least} {(least == 1 ? "copy" : "copies")}."), Text($"Use a replication factor of {LeastReplicas}, so that a broker can be lost while another is away (Event Hubs keeps three and may tell 1)."))
                : Finding.Ok("replication", Text($"Each record has {least} copies."));
    }

    private static Finding Retention(BrokerFacts facts)
    {
        if (facts.RetentionMs is not { } ms)
            return Finding.Unknown(
                "retention", facts.IsEmulator ? "The emulator keeps 5 MB of a partition and has no retention by time." : $"The topic's settings cannot be read: {facts.WhyNoSettings}", facts.IsEmulator ? null : "Look at the retention where the topic is managed; 7 days let a long weekend pass.");
        if (ms < 0)
            return Finding.Ok("retention", "Records are kept for ever.");
        var kept = TimeSpan.FromMilliseconds(ms);
        return kept < LeastRetention
            ? Finding.Warning("retention", Text($"Records are kept for {kept.TotalHours:0.#} h."), "Raise retention.ms to 7 days: what is gone before it was read is lost.")
            : Finding.Ok("retention", Text($"Records are kept for {kept.TotalDays:0.#} days."));
    }

    private static Finding Skew(IReadOnlyList<PartitionFacts> partitions)
    {
        var total = partitions.Sum(p => p.End - p.Start);
        if (total < EnoughRecords || partitions.Count == 1)
            return Finding.Unknown("key skew", Text($"{total:N0} records are too few to tell, or there is one partition."));
        var most = partitions.MaxBy(p => p.End - p.Start)!;
        var factor = (most.End - most.Start) * (double)partitions.Count / total;
        return factor > MostSkew
            ? Finding.Warning("key skew", Text($"Partition {most.Partition} has {factor:0.0} times as many records as the mean."), "Find the keys behind it: one instance does their work. Bytes cannot be seen from here.")
            : Finding.Ok("key skew", Text($"The fullest partition has {factor:0.0} times as many records as the mean."));
    }

    private static Finding Lag(IReadOnlyList<PartitionFacts> partitions, long alertLag)
    {
        if (partitions.All(p => p.Next is null))
            return Finding.Unknown("lag", "Nothing has been read yet.");
        var lost = partitions.Where(p => p.Next < p.Start).ToList();
        if (lost.Count > 0)
            return Finding.Failure("lag", Text($"Records of partitions {Few(lost.Select(p => p.Partition))} were removed before they were read."), "See gap in docs/runbook.md; raise the retention.");
        var cut = partitions.Where(p => p.Next > p.End).ToList();
        if (cut.Count > 0)
            return Finding.Failure("lag", Text($"Partitions {Few(cut.Select(p => p.Partition))} end before what was read."), "The topic was made anew: raise TopicGeneration, see topic-recreated in docs/runbook.md.");
        var lag = partitions.Sum(p => p.End - (p.Next ?? p.Start));
        return lag > alertLag
            ? Finding.Warning("lag", Text($"{lag:N0} records wait."), "See lag in docs/runbook.md if it does not shrink.")
            : Finding.Ok("lag", Text($"{lag:N0} records wait."));
    }

    // What the group has committed decides only what is delivered again; far behind the ledger it means long repeats, beyond it that something else commits.
    private static Finding Group(IReadOnlyList<PartitionFacts> partitions)
    {
        var ahead = partitions.Where(p => p is { Committed: { } committed, Next: { } next } && committed > next).ToList();
        return partitions.All(p => p.Committed is null)
            ? Finding.Unknown("group", "The consumer group has no offsets yet.")
            : ahead.Count > 0
                ? Finding.Warning("group", Text($"The group is beyond the ledger in partitions {Few(ahead.Select(p => p.Partition))}; what lies between is fetched apart."), "See that nothing else uses the group, and that commitOnFailure is false.")
                : Finding.Ok("group", Text($"The group's offsets are at most {partitions.Max(p => (p.Next ?? 0) - (p.Committed ?? p.Next ?? 0)):N0} records behind the ledger, which decides what counts."));
    }

    private static string Few(IEnumerable<int> partitions)
    {
        var all = partitions.ToList();
        return string.Join(", ", all.Take(5)) + (all.Count > 5 ? Text($" and {all.Count - 5} more") : "");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
