using System.Globalization;
using Tidemark.Functions.Configuration;
using Tidemark.LocalHost.Cli;

namespace Tidemark.LocalHost.Doctor;

/// <summary>What the settings say that reach beyond one of them.</summary>
/// <param name="Options">The app's settings.</param>
/// <param name="TickEvery">Time between two ticks.</param>
/// <param name="MaintainEvery">Time between two rounds of maintenance.</param>
/// <param name="CommitOnFailure">host.json: <c>extensions.kafka.commitOnFailure</c>.</param>
/// <param name="MaxRetries">host.json: <c>extensions.kafka.maxRetries</c>.</param>
/// <param name="SessionTimeoutMs">host.json: <c>extensions.kafka.sessionTimeoutMs</c>.</param>
/// <param name="HasTelemetry">Whether metrics go anywhere.</param>
/// <param name="IsLocal">Whether everything is emulated.</param>
internal sealed record SettingFacts(
    TidemarkOptions Options, TimeSpan TickEvery, TimeSpan MaintainEvery, bool CommitOnFailure, int MaxRetries, int SessionTimeoutMs, bool HasTelemetry, bool IsLocal);

/// <summary>Judges settings that work and yet bring trouble.</summary>
internal static class SettingRules
{
    private const int SessionOfEventHubs = 30_000;
    private const int ForEver = -1;

    public static IEnumerable<Finding> Judge(SettingFacts facts)
    {
        var risky = Host(facts).Concat(Intervals(facts)).Concat(Reading(facts)).ToList();
        foreach (var finding in risky)
            yield return finding;
        if (risky.Count == 0)
            yield return Finding.Ok("settings", "None of them is risky.");
        yield return Alarms(facts);
    }

    private static IEnumerable<Finding> Host(SettingFacts facts)
    {
        if (facts.CommitOnFailure)
            yield return Finding.Failure("host.json", "extensions.kafka.commitOnFailure is true: offsets of batches that failed are committed.", "Set it to false, as in the host.json that ships.");
        if (facts.MaxRetries != ForEver)
            yield return Finding.Warning("host.json", Text($"extensions.kafka.maxRetries is {facts.MaxRetries}: after so many the trigger passes records over, and they are fetched apart, late."), "Set it to -1.");
        if (facts.Options.Kafka.BrokerList.Contains(".servicebus.windows.net", StringComparison.OrdinalIgnoreCase) && facts.SessionTimeoutMs < SessionOfEventHubs)
            yield return Finding.Warning("host.json", Text($"extensions.kafka.sessionTimeoutMs is {facts.SessionTimeoutMs}; Event Hubs wants {SessionOfEventHubs}."), "Set AzureFunctionsJobHost__extensions__kafka__sessionTimeoutMs, as the templates do.");
    }

    private static IEnumerable<Finding> Intervals(SettingFacts facts)
    {
        var options = facts.Options;
        if (facts.TickEvery > options.DeltaInterval)
            yield return Finding.Warning("intervals", Text($"A tick comes every {Span(facts.TickEvery)}, so DeltaInterval ({Span(options.DeltaInterval)}) cannot be kept."), "Tick more often, or raise DeltaInterval.");
        if (facts.TickEvery > options.CheckpointInterval)
            yield return Finding.Warning("intervals", Text($"A tick comes every {Span(facts.TickEvery)}, so CheckpointInterval ({Span(options.CheckpointInterval)}) cannot be kept."), "Tick more often, or raise CheckpointInterval.");
        if (facts.TickEvery > options.LeaseDuration)
            yield return Finding.Warning("intervals", Text($"A tick comes every {Span(facts.TickEvery)} and its lease holds {Span(options.LeaseDuration)}: instances that tick in turn lose what they keep in memory."), "Raise LeaseDuration above twice the tick.");
        if (!facts.IsLocal && options.DeltaInterval < TimeSpan.FromSeconds(10))
            yield return Finding.Warning("intervals", Text($"DeltaInterval is {Span(options.DeltaInterval)}: each commit writes a file for each table."), "30 s or more cost a fraction, see docs/cost.md.");
        if (facts.MaintainEvery > TimeSpan.FromDays(1))
            yield return Finding.Warning("intervals", Text($"Maintenance comes every {facts.MaintainEvery.TotalHours:0} h."), "Once an hour to once a day keeps files few.");
        if (options.IdleTimeout < 2 * facts.TickEvery)
            yield return Finding.Warning("intervals", Text($"IdleTimeout is {Span(options.IdleTimeout)} and a tick comes every {Span(facts.TickEvery)}: a partition that pauses between two ticks counts as idle, and its next events may be late."), "Give it several ticks.");
    }

    private static IEnumerable<Finding> Reading(SettingFacts facts)
    {
        var options = facts.Options;
        if (options.StartFrom.Equals(Domain.Ledger.StartFrom.Latest))
            yield return Finding.Warning("settings", "StartFrom is latest: what is in the topic before the first start is never read.", "Use earliest unless that is what you want.");
        if (options.DeduplicateWithin == TimeSpan.Zero)
            yield return Finding.Warning("settings", "DeduplicateWithin is off: an event that a producer sends twice counts twice.", "Set it to the longest time after which producers send again.");
        if (!facts.IsLocal && options.Kafka.Protocol == Confluent.Kafka.SecurityProtocol.Plaintext)
            yield return Finding.Warning("settings", "Kafka is asked without encryption or sign-in.", "Set KafkaProtocol to SaslSsl with KafkaUser and KafkaPassword.");
    }

    private static Finding Alarms(SettingFacts facts) => facts switch
    {
        { HasTelemetry: true } => Finding.Unknown("alarms", "Metrics are exported. Whether alert rules and an action group wait for them cannot be seen from here.", "On Azure set ALERT_EMAIL, see docs/azure.md."),
        { IsLocal: true } => Finding.Unknown("alarms", "Nothing is exported here; alerts are on the page and in ./run status."),
        _ => Finding.Warning("alarms", "Metrics go nowhere, so no alert rule can see them.", "Set APPLICATIONINSIGHTS_CONNECTION_STRING or OTEL_EXPORTER_OTLP_ENDPOINT."),
    };

    private static string Span(TimeSpan span) => WatermarksCommand.Span(span.TotalMilliseconds);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
