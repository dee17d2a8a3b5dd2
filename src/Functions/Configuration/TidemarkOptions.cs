using System.Text.RegularExpressions;
using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Status;
using static Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.Functions.Configuration;

/// <summary>All settings, read and checked. What each means stands in <see cref="Settings.All"/> and docs/configuration.md.</summary>
public sealed partial record TidemarkOptions
{
    public required KafkaOptions Kafka { get; init; }

    /// <summary>First part of every id.</summary>
    public required PipelineId Id { get; init; }

    /// <summary>Of the topic of readings; null = there is none.</summary>
    public required PipelineId? Sensors { get; init; }

    /// <summary>Of the topic of purchases; null = there is none.</summary>
    public required PipelineId? Purchases { get; init; }

    /// <summary>Where the main topic begins.</summary>
    public required StartFrom StartFrom { get; init; }

    /// <summary>Where the topic of readings begins.</summary>
    public required StartFrom SensorsStartFrom { get; init; }

    /// <summary>Where the topic of purchases begins.</summary>
    public required StartFrom PurchasesStartFrom { get; init; }

    public required OnDataLoss OnDataLoss { get; init; }

    public required StorageConnection Tables { get; init; }

    public required StorageConnection Results { get; init; }

    public required StorageConnection Lake { get; init; }

    public required string LakeContainer { get; init; }

    public required string LedgerTable { get; init; }

    public required TimeSpan DeltaInterval { get; init; }

    public required TriggerIntervals QueryTriggers { get; init; }

    public required TimeSpan ResultsRetention { get; init; }

    public required TimeSpan CheckpointInterval { get; init; }

    public required TimeSpan IdleTimeout { get; init; }

    public required TimeSpan MaxFutureSkew { get; init; }

    /// <summary>Zero = off.</summary>
    public required TimeSpan DeduplicateWithin { get; init; }

    public required int DeduplicationMaxIds { get; init; }

    /// <summary>Products; null = events are not joined with any.</summary>
    public required ReferenceOptions? Catalog { get; init; }

    /// <summary>Customers; null = events are not joined with any.</summary>
    public required ReferenceOptions? Customers { get; init; }

    /// <summary>Countries; null = events are not joined with any.</summary>
    public required ReferenceOptions? Countries { get; init; }

    public required CatalogJoin CatalogJoin { get; init; }

    /// <summary>Null = there is none.</summary>
    public required SchemaRegistryOptions? SchemaRegistry { get; init; }

    /// <summary>Topics that are written.</summary>
    public required ResultTopics ResultTopics { get; init; }

    /// <summary>Bytes, compressed.</summary>
    public required int InlineSegmentLimit { get; init; }

    public required int MaxRangeRecords { get; init; }

    public required int MaxOpenRanges { get; init; }

    public required TimeSpan WatchdogTimeout { get; init; }

    public required TimeSpan LeaseDuration { get; init; }

    /// <summary>Bounds of the alert rules.</summary>
    public required AlertOptions Alerts { get; init; }

    /// <summary>Reads and checks everything; throws <see cref="InvalidSettingException"/> for the first setting that is wrong.</summary>
    public static TidemarkOptions Read(IConfiguration configuration)
    {
        var read = new SettingReader(configuration);
        var kafka = KafkaOptions.Read(read);
        var version = read.Text(PipelineVersion, Version());
        var sensors = Further(read, version, kafka.Topic, SensorsTopic, SensorsGeneration);
        var purchases = Further(read, version, kafka.Topic, PurchasesTopic, PurchasesGeneration);
        ReferenceOptions? ReadReference(string setting) => ReferenceOptions.Read(read, setting, kafka.Topic);
        var (catalog, customers, countries) = (ReadReference(Settings.Names.Catalog), ReadReference(Settings.Names.Customers), ReadReference(Settings.Names.Countries));
        var join = read.Choice<CatalogJoin>(Settings.Names.CatalogJoin);
        var tickSchedule = read.Text(TickSchedule, Schedule());
        _ = read.Text(MaintainSchedule, Schedule());
        return new TidemarkOptions
        {
            Kafka = kafka,
            Id = new PipelineId(version, kafka.Topic, read.Number(TopicGeneration, 1, 9999)),
            Sensors = sensors,
            Purchases = purchases is null || purchases.Topic != sensors?.Topic ? purchases
                : throw new InvalidSettingException(PurchasesTopic, $"is '{purchases.Topic}', as {SensorsTopic} is; each topic can be read once."),
            StartFrom = Start(read, Settings.Names.StartFrom),
            SensorsStartFrom = Start(read, Settings.Names.SensorsStartFrom, sensors),
            PurchasesStartFrom = Start(read, Settings.Names.PurchasesStartFrom, purchases),
            OnDataLoss = read.Choice<OnDataLoss>(Settings.Names.OnDataLoss),
            Tables = StorageConnection.Read(configuration, TablesConnection, "table"),
            Results = StorageConnection.Read(configuration, ResultsConnection, "table", otherwise: TablesConnection),
            Lake = StorageConnection.Read(configuration, LakeConnection, "blob"),
            LakeContainer = read.Text(Settings.Names.LakeContainer, Container()),
            LedgerTable = read.Text(Settings.Names.LedgerTable, Table()),
            DeltaInterval = read.Duration(Settings.Names.DeltaInterval, Seconds(1), Hours(1)),
            QueryTriggers = TriggerIntervals.Read(read),
            ResultsRetention = read.Duration(Settings.Names.ResultsRetention, Hours(1), Hours(24 * 3650)),
            CheckpointInterval = read.Duration(Settings.Names.CheckpointInterval, Seconds(1), Hours(1)),
            IdleTimeout = read.Duration(Settings.Names.IdleTimeout, Seconds(1), Hours(24)),
            MaxFutureSkew = read.Duration(Settings.Names.MaxFutureSkew, TimeSpan.Zero, Hours(24)),
            DeduplicateWithin = read.Duration(Settings.Names.DeduplicateWithin, TimeSpan.Zero, Hours(24 * 31)),
            DeduplicationMaxIds = read.Number(Settings.Names.DeduplicationMaxIds, 100_000, 100_000_000),
            Catalog = catalog,
            Customers = customers,
            Countries = countries,
            CatalogJoin = join != CatalogJoin.Inner || catalog is not null || (customers ?? countries) is null ? join
                : throw new InvalidSettingException(Settings.Names.CatalogJoin, $"is inner while {Settings.Names.Catalog} is not set, so that no event would be joined; set it to left, or set {Settings.Names.Catalog}."),
            SchemaRegistry = SchemaRegistryOptions.Read(read),
            ResultTopics = ResultTopics.Read(read, [kafka.Topic, .. new[] { sensors?.Topic, purchases?.Topic }.OfType<string>()]),
            InlineSegmentLimit = read.Bytes(Settings.Names.InlineSegmentLimit, 0, 900 << 10),
            MaxRangeRecords = read.Number(Settings.Names.MaxRangeRecords, 1, 1_000_000),
            MaxOpenRanges = read.Number(Settings.Names.MaxOpenRanges, 10, 100_000),
            WatchdogTimeout = read.Duration(Settings.Names.WatchdogTimeout, Seconds(5), Hours(1)),
            LeaseDuration = read.Duration(Settings.Names.LeaseDuration, Seconds(5), Seconds(600)),
            Alerts = new AlertOptions
            {
                Lag = read.Number(AlertLag, 1, 1_000_000_000),
                QuarantineShare = read.Number(AlertQuarantinePercent, 1, 100) / 100.0,
                SilentAfter = read.Duration(AlertSilence, Seconds(10), Hours(168)),
                HeldAfter = read.Duration(AlertHeld, Seconds(10), Hours(168)),
                TickInterval = AlertOptions.IntervalOf(tickSchedule),
            },
        };
    }

    /// <summary>A topic that is read beside the main one.</summary>
    private static PipelineId? Further(SettingReader read, string version, string main, string topicSetting, string generationSetting)
    {
        var generation = read.Number(generationSetting, 1, 9999);
        if (read.Optional(topicSetting) is null)
            return null;
        var topic = read.Text(topicSetting, KafkaOptions.TopicName());
        return topic != main ? new PipelineId(version, topic, generation) : throw new InvalidSettingException(topicSetting, $"is '{topic}', as {KafkaTopic} is; each topic can be read once.");
    }

    private static StartFrom Start(SettingReader read, string name)
    {
        try
        {
            return StartFrom.Parse(read.Text(name), name);
        }
        catch (FormatException e)
        {
            throw new InvalidSettingException(name, $"is '{read.Text(name)}': {e.Message}.");
        }
    }

    /// <summary>Of a further topic: that of the main one, unless offsets are named, which hold for one topic only.</summary>
    private static StartFrom Start(SettingReader read, string name, PipelineId? further)
    {
        if (read.Optional(name) is not null)
            return Start(read, name);
        var main = Start(read, Settings.Names.StartFrom);
        return main.Offsets is null || further is null ? main
            : throw new InvalidSettingException(name, $"is missing while {Settings.Names.StartFrom} names offsets, which say nothing of topic {further.Topic}; set it to earliest, latest, a time or offsets.");
    }

    internal ResultsKept Kept => new(ResultsRetention);

    /// <summary>Null = events are not enriched.</summary>
    internal EnrichmentOptions? ToEnrichment() => Catalog is null && Customers is null && Countries is null ? null : new EnrichmentOptions { Join = CatalogJoin };

    internal AlertOptions ToAlerts() => Alerts;

    internal EventOptions ToEvents() => new(Kafka.Topic) { MaxFutureSkew = MaxFutureSkew, DeduplicateWithin = DeduplicateWithin };

    internal IngestOptions ToIngest() => new() { MaxRangeRecords = MaxRangeRecords, OnDataLoss = OnDataLoss, StartFrom = StartFrom, DeduplicationMaxIds = DeduplicationMaxIds };

    internal TickOptions ToTick() => new()
    {
        DeltaInterval = DeltaInterval,
        Triggers = QueryTriggers.ByQuery,
        IgnoresTriggers = QueryTriggers.AreOff,
        Results = Kept,
        CheckpointInterval = CheckpointInterval,
        IdleTimeout = IdleTimeout,
        WatchdogTimeout = WatchdogTimeout,
        LeaseTime = LeaseDuration,
        MaxOpenRanges = MaxOpenRanges,
        StartFrom = StartFrom,
    };

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private static TimeSpan Hours(int hours) => TimeSpan.FromHours(hours);

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,16}$")]
    private static partial Regex Version();

    [GeneratedRegex("^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex Container();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9]{2,62}$")]
    private static partial Regex Table();

    // The host parses the schedule; this only catches what is surely wrong, such as five fields.
    [GeneratedRegex(@"^(\S+\s+){5}\S+$|^\d+(\.\d+)?(:\d+){1,2}$")]
    private static partial Regex Schedule();
}

/// <summary>How to reach the topic.</summary>
public sealed partial record KafkaOptions
{
    public required string BrokerList { get; init; }

    public required string Topic { get; init; }

    public required string Group { get; init; }

    public required SecurityProtocol Protocol { get; init; }

    public required SaslMechanism Mechanism { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    public string? CaLocation { get; init; }

    public required TimeSpan Timeout { get; init; }

    /// <summary>Another topic on the same brokers, read by a consumer group of its own so that a rebalance of one trigger leaves the others alone.</summary>
    internal KafkaOptions Of(string name, string topic) => this with { Topic = topic, Group = $"{Group}-{name}" };

    internal static KafkaOptions Read(SettingReader read)
    {
        var (user, password) = (read.Optional(KafkaUser), read.Optional(KafkaPassword));
        if (user is null != password is null)
            throw new InvalidSettingException(user is null ? KafkaUser : KafkaPassword, $"is missing while {(user is null ? KafkaPassword : KafkaUser)} is set; set both or neither.");
        var protocol = read.Choice<SecurityProtocol>(KafkaProtocol, user is null ? SecurityProtocol.Plaintext : SecurityProtocol.SaslSsl);
        if (protocol is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl && user is null)
            throw new InvalidSettingException(KafkaUser, $"is missing while {KafkaProtocol} is {protocol}; set {KafkaUser} and {KafkaPassword}, or another protocol.");
        var mechanism = read.Choice<SaslMechanism>(KafkaMechanism);
        if (mechanism is SaslMechanism.Gssapi or SaslMechanism.OAuthBearer)
            throw new InvalidSettingException(KafkaMechanism, $"is '{mechanism}', which is not supported; it should be Plain, ScramSha256 or ScramSha512.");
        if (read.Optional(KafkaCaLocation) is { } location && !File.Exists(location))
            throw new InvalidSettingException(KafkaCaLocation, $"is '{location}', where there is no file; give the path of a PEM file.");
        return new KafkaOptions
        {
            BrokerList = read.Text(Settings.Names.BrokerList, Brokers()),
            Topic = read.Text(KafkaTopic, TopicName()),
            Group = read.Text(KafkaGroup),
            Protocol = protocol,
            Mechanism = mechanism,
            User = user,
            Password = password,
            CaLocation = read.Optional(KafkaCaLocation),
            Timeout = read.Duration(KafkaTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)),
        };
    }

    // A record prints its members; this one must not print the password.
    private bool PrintMembers(System.Text.StringBuilder text)
    {
        text.Append($"BrokerList = {BrokerList}, Topic = {Topic}, Group = {Group}, Protocol = {Protocol}, User = {User}");
        return true;
    }

    [GeneratedRegex(@"^[^\s,]+:\d{1,5}(\s*,\s*[^\s,]+:\d{1,5})*$")]
    private static partial Regex Brokers();

    [GeneratedRegex(@"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$")]
    internal static partial Regex TopicName();
}
