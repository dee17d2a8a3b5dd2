using System.Globalization;
using Microsoft.Extensions.Configuration;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Kafka;

/// <summary>
/// <c>extensions.kafka</c> of host.json with the real host's names and defaults. Two settings of this host only make it quicker than the real
/// one: <c>LocalHost__SubscriberIntervalMs</c> (the flush window in ms instead of whole seconds) and <c>LocalHost__FetchWaitMs</c>.
/// </summary>
internal sealed record KafkaTriggerOptions
{
    private const string Section = "extensions:kafka:";

    /// <summary>host.json names and the client settings that they set.</summary>
    private static readonly (string Name, string Client, string? Default)[] ClientNames =
    [
        ("autoCommitIntervalMs", "auto.commit.interval.ms", "200"),
        ("autoOffsetReset", "auto.offset.reset", "earliest"),
        ("sessionTimeoutMs", "session.timeout.ms", "10000"),
        ("metadataMaxAgeMs", "metadata.max.age.ms", "180000"),
        ("socketKeepaliveEnable", "socket.keepalive.enable", "true"),
        ("maxPollIntervalMs", "max.poll.interval.ms", null),
        ("reconnectBackoffMs", "reconnect.backoff.ms", null),
        ("reconnectBackoffMaxMs", "reconnect.backoff.max.ms", null),
        ("statisticsIntervalMs", "statistics.interval.ms", null),
        ("queuedMinMessages", "queued.min.messages", null),
        ("queuedMaxMessagesKbytes", "queued.max.messages.kbytes", null),
        ("maxPartitionFetchBytes", "max.partition.fetch.bytes", null),
        ("fetchMaxBytes", "fetch.max.bytes", null),
        ("libkafkaDebug", "debug", null),
    ];

    public int MaxBatchSize { get; init; } = 64;

    /// <summary>The flush window.</summary>
    public TimeSpan SubscriberInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Batches that wait behind the running one before consumption stops.</summary>
    public int ExecutorChannelCapacity { get; init; } = 1;

    /// <summary>Whether a batch whose function failed is committed all the same. The real default; it loses data.</summary>
    public bool CommitOnFailure { get; init; } = true;

    /// <summary>Further executions of a failed batch before it is passed over; −1 = for ever. Only without <see cref="CommitOnFailure"/>.</summary>
    public int MaxRetries { get; init; } = 5;

    /// <summary>Client settings besides connection and group.</summary>
    public IReadOnlyDictionary<string, string> ClientSettings { get; init; } = new Dictionary<string, string>();

    /// <exception cref="SettingException">A value is wrong.</exception>
    public static KafkaTriggerOptions Read(HostJson host, IConfiguration settings)
    {
        var clients = new Dictionary<string, string>();
        foreach (var (name, client, otherwise) in ClientNames)
        {
            if ((host.Text(Section + name) ?? otherwise) is { Length: > 0 } value)
                clients[client] = value.ToLowerInvariant();
        }

        if (clients["auto.offset.reset"] is not ("earliest" or "latest"))
            throw new SettingException($"host.json: extensions.kafka.autoOffsetReset is '{clients["auto.offset.reset"]}'; use earliest or latest.");
        // A short session needs more frequent heartbeats than the client's default of one in 3 s.
        if (host.Positive(Section + "sessionTimeoutMs", 10_000) is var session and < 10_000)
            clients["heartbeat.interval.ms"] = (session / 4).ToString(CultureInfo.InvariantCulture);
        if (Milliseconds(settings, "LocalHost:FetchWaitMs") is { } wait)
            clients["fetch.wait.max.ms"] = wait.ToString(CultureInfo.InvariantCulture);
        var maxRetries = host.Integer(Section + "maxRetries") ?? 5;
        if (maxRetries < -1)
            throw new SettingException($"host.json: extensions.kafka.maxRetries is {maxRetries}; use 0 or more, or -1 for no limit.");
        return new KafkaTriggerOptions
        {
            MaxBatchSize = host.Positive(Section + "maxBatchSize", 64),
            SubscriberInterval = Milliseconds(settings, "LocalHost:SubscriberIntervalMs") is { } window
                ? TimeSpan.FromMilliseconds(window)
                : TimeSpan.FromSeconds(host.Positive(Section + "subscriberIntervalInSeconds", 1)),
            ExecutorChannelCapacity = host.Positive(Section + "executorChannelCapacity", 1),
            CommitOnFailure = host.Flag(Section + "commitOnFailure", true),
            MaxRetries = maxRetries,
            ClientSettings = clients,
        };
    }

    private static int? Milliseconds(IConfiguration settings, string name) => settings[name] switch
    {
        null or "" => null,
        var text when int.TryParse(text, out var value) && value > 0 => value,
        var text => throw new SettingException($"The setting {name.Replace(":", "__")} is '{text}'; it must be a number of milliseconds, 1 or more."),
    };
}
