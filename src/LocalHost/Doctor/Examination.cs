using Azure;
using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Delta;
using Tidemark.Domain.Events;
using Tidemark.Functions;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Http;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Replay;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Settings;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Doctor;

/// <summary>What is to be examined.</summary>
/// <param name="Settings">Settings whose storage works or is named.</param>
/// <param name="Emulator">The emulator of the data directory; null when none runs or real brokers are named.</param>
/// <param name="HasBrokers">Whether there are brokers to ask.</param>
/// <param name="ShouldRun">Whether a pipeline should be at work.</param>
internal sealed record Patient(IConfigurationRoot Settings, EmulatorInfo? Emulator, bool HasBrokers, bool ShouldRun);

/// <summary>Asks everything that a deployment stands on, and has the rules judge the answers. A part that fails is a finding, and the others go on.</summary>
internal sealed class Examination(Patient patient, TimeProvider time)
{
    private const int EventsMeasured = 200_000;
    private const string DeadLetterSuffix = "DeadLetterSuffix";

    // Settings that name topics to write to, where somebody wants such a topic.
    private static readonly string[] TopicSettings = ["EventCountsTopic", "AlertsTopic"];
    private readonly IConfigurationRoot settings = patient.Settings;

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        var options = TidemarkOptions.Read(settings);
        await using var services = new ServiceCollection().AddLogging().AddTidemark(settings).BuildServiceProvider();
        var storage = await PartAsync("storage", async () => StorageRules.Judge(await StorageProbe.TryAsync(options, time, cancel)));
        var isStorageUp = storage.All(f => f.Outcome is Outcome.Ok or Outcome.Warning);
        List<Finding> findings = [.. SettingRules.Judge(Facts(options)), .. storage];
        var pipelines = services.GetRequiredService<HostedSources>().All;
        findings.AddRange(await PartAsync("brokers", () => BrokersAsync(options, pipelines, isStorageUp, cancel)));
        if (storage.All(f => f.Outcome != Outcome.Failure))
            findings.AddRange(await PartAsync("records", async () => [RunRules.Records(await EverRead.TopicsAsync(services.GetRequiredService<HostedSources>(), cancel))]));
        if (!isStorageUp)
            return [.. findings, Finding.Unknown("pipeline", "Tables and status cannot be read before storage is there.")];
        findings.AddRange(await PartAsync("tables", () => LakeAsync(services, cancel)));
        findings.AddRange(await PartAsync("enrichment", async () => pipelines[0].Hosted is { Pipeline: EventPipeline main } hosted && await EnrichedTable.BehindAsync(settings, hosted.Id, main.EventTable, cancel) is { } sentence ? [LakeRules.NotContinued(sentence)] : []));
        foreach (var source in pipelines)
            if (source == pipelines[0] || await IsReadAsync(source, cancel))
            {
                findings.AddRange(Of(source, await PartAsync("ticks", async () => RunRules.Judge(
                    await source.Status.ReadAsync(cancel), patient.ShouldRun, (int)Math.Round(options.Alerts.QuarantineShare * 100), time.GetUtcNow(), Quarantine.TableOf(source.Hosted.Pipeline) ?? ""))));
                if (source.Hosted.Pipeline is EventPipeline events)
                    findings.AddRange(Of(source, await PartAsync("delays", async () => await LatenessReport.MeasureAsync(LakeReader.Of(settings), events, EventsMeasured, cancel) is var measured
                        ? [LatenessRules.Judge(measured.Measured, measured.Advice)] : [])));
            }

        return findings;
    }

    // The settings of ./run name every topic, and a data directory may have read only some.
    private static async Task<bool> IsReadAsync(HostedSource source, CancellationToken cancel) =>
        RunSettings.GivenBrokers(new RunOptions()) is not null || await source.Ledger.ReadMetaAsync(cancel) is not null;

    /// <summary>Findings of the main topic as they are, those of others with its name.</summary>
    private static IEnumerable<Finding> Of(HostedSource source, IEnumerable<Finding> findings) => source.Name == HostedPipelines.Main ? findings : findings.Select(finding => finding.Of(source.Name));

    private SettingFacts Facts(TidemarkOptions options)
    {
        var host = HostJson.Load(RunSettings.HostJsonPath(), settings);
        return new SettingFacts(
            options, AlertOptions.IntervalOf(settings[Names.TickSchedule]!), Every(settings[Names.MaintainSchedule]!),
            host.Flag("extensions:kafka:commitOnFailure", otherwise: true), host.Integer("extensions:kafka:maxRetries") ?? 5, host.Integer("extensions:kafka:sessionTimeoutMs") ?? 10_000,
            (settings["APPLICATIONINSIGHTS_CONNECTION_STRING"] ?? settings["OTEL_EXPORTER_OTLP_ENDPOINT"]) is { Length: > 0 },
            RunSettings.GivenBrokers(new RunOptions()) is null);
    }

    private TimeSpan Every(string schedule)
    {
        var parsed = Timers.TimerSchedule.Parse(schedule, Names.MaintainSchedule);
        var next = parsed.Next(time.GetUtcNow().UtcDateTime);
        return parsed.Next(next) - next;
    }

    private async Task<IEnumerable<Finding>> BrokersAsync(TidemarkOptions options, IReadOnlyList<HostedSource> sources, bool isStorageUp, CancellationToken cancel)
    {
        if (!patient.HasBrokers)
            return [Finding.Unknown("brokers", "No emulator runs on this folder now, and no brokers are named.", "Start ./run on it, or name brokers in BrokerList.")];
        var findings = new List<Finding>();
        var read = new List<HostedSource>();
        foreach (var source in sources.Where(source => source.Hosted.Kafka is not null))
            if (source == sources[0] || (isStorageUp && await IsReadAsync(source, cancel)))
                read.Add(source);
        var ownTopics = OwnTopics([.. read.Select(source => source.Hosted.Kafka!.Topic)]);
        foreach (var source in read)
        {
            // Brokers and topics that are written are the same for all of them.
            var isFirst = source == read[0];
            var found = await TopicAsync(options, source, isFirst ? ownTopics : [], isStorageUp, cancel);
            findings.AddRange(isFirst ? found : Of(source, found.Where(finding => finding.Check != "brokers")));
        }

        return findings;
    }

    private async Task<IEnumerable<Finding>> TopicAsync(TidemarkOptions options, HostedSource source, IReadOnlyList<string> ownTopics, bool isStorageUp, CancellationToken cancel)
    {
        var kafka = source.Hosted.Kafka!;
        var facts = await AskAsync();
        // Asked after the group's offsets: a head only moves on, so a group that is beyond it now was beyond it then.
        var partitions = new List<PartitionFacts>();
        foreach (var partition in facts.Partitions)
            partitions.Add(partition with { Next = isStorageUp ? (await source.Ledger.ReadHeadAsync(partition.Partition, cancel))?.Value.Next : null });
        // Records that came in between may have been read already.
        if (partitions.Any(p => p.Next > p.End))
        {
            var ends = (await AskAsync()).Partitions.ToDictionary(p => p.Partition, p => p.End);
            partitions = partitions.ConvertAll(p => p with { End = ends.GetValueOrDefault(p.Partition, p.End) });
        }

        return BrokerRules.Judge(facts with { Partitions = partitions }, kafka.Topic, options.Alerts.Lag, source.Name switch
        {
            HostedPipelines.Sensors => Names.SensorsTopic,
            HostedPipelines.Purchases => Names.PurchasesTopic,
            _ => Names.KafkaTopic,
        });

        Task<BrokerFacts> AskAsync() =>
            BrokerProbe.AskAsync(KafkaConnection.FromSettings(kafka.BrokerList, settings), kafka.Topic, kafka.Group, ownTopics, patient.Emulator is not null, cancel);
    }

    private List<string> OwnTopics(IReadOnlyList<string> sources)
    {
        var topics = TopicSettings.Select(name => settings[name]).OfType<string>().Where(topic => topic.Length > 0).ToList();
        if (settings[DeadLetterSuffix] is { Length: > 0 } suffix)
            topics.AddRange(sources.Select(source => source + suffix));
        return topics;
    }

    private async Task<IEnumerable<Finding>> LakeAsync(ServiceProvider services, CancellationToken cancel)
    {
        var lake = services.GetRequiredService<LakeTables>();
        var tables = new List<TableFacts>();
        foreach (var name in lake.Names)
            tables.Add(await LookAsync(lake[name], cancel));
        return LakeRules.Judge(tables, await services.GetRequiredService<MaintenanceStore>().ReadAsync(cancel), time.GetUtcNow());
    }

    private static async Task<TableFacts> LookAsync(LakeTable table, CancellationToken cancel)
    {
        try
        {
            if ((await table.Delta.RefreshAsync(cancel)).Version < 0)
                return new TableFacts(table.Name, -1, 0, null);
            var card = LakeSource.Card(table.Name, await table.Delta.SnapshotAsync(ct: cancel));
            return new TableFacts(table.Name, card.Version, card.SmallFiles, null);
        }
        catch (Exception e) when (Reason(e) is { } reason)
        {
            return new TableFacts(table.Name, -1, 0, reason);
        }
    }

    private static async Task<IReadOnlyList<Finding>> PartAsync(string check, Func<Task<IEnumerable<Finding>>> part)
    {
        try
        {
            return [.. await part()];
        }
        catch (KafkaException e)
        {
            return [Finding.Failure(check, $"Kafka does not answer as it should: {e.Error.Reason}", "Check BrokerList, the network, and KafkaUser, KafkaPassword and KafkaProtocol.")];
        }
        catch (Exception e) when (Reason(e) is { } reason)
        {
            return [Finding.Failure(check, reason, "See the text; docs/runbook.md.")];
        }
    }

    private static string? Reason(Exception e) => e is RequestFailedException or AggregateException or DeltaException or IOException or TimeoutException or InvalidDataException ? e.Message.Split('\n')[0] : null;
}
