using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions.Replay;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>Which quarantined records are meant.</summary>
internal sealed record DeadLetterFilter
{
    /// <summary>Empty = any.</summary>
    public IReadOnlySet<string> Reasons { get; init; } = new HashSet<string>();

    /// <summary>Least Kafka time, UTC; null = any.</summary>
    public DateTime? Since { get; init; }

    /// <summary>Empty = any.</summary>
    public IReadOnlySet<(int Partition, long Offset)> Ids { get; init; } = new HashSet<(int, long)>();

    public bool Takes(QuarantinedRecord record) =>
        (Reasons.Count == 0 || Reasons.Contains(record.Reason)) && !(record.KafkaTime < Since) && (Ids.Count == 0 || Ids.Contains((record.Partition, record.Offset)));
}

/// <summary>The options that <c>dlq list</c> and <c>dlq replay</c> share.</summary>
internal sealed class DeadLetterArguments
{
    private readonly Option<string[]> reason = new("--reason") { Description = "Only records with this reason, such as missing_user_id; may be given again" };
    private readonly Option<string?> since = new("--since") { Description = "Only records that came to Kafka at or after this time, e.g. 2026-03-01T09:30:00Z; UTC unless it says otherwise", HelpName = "TIME" };

    private readonly Option<string> topic = TopicOption.Create();

    public void AddTo(Command command)
    {
        command.Options.Add(topic);
        command.Options.Add(reason);
        command.Options.Add(since);
    }

    /// <summary>The quarantine that is meant.</summary>
    /// <exception cref="SettingException">There is none of that topic.</exception>
    public Quarantine Of(IServiceProvider services, ParseResult parsed)
    {
        var quarantines = services.GetRequiredService<Quarantines>();
        return quarantines.Find(parsed.GetValue(topic)!) ?? throw new SettingException(quarantines.Missing(parsed.GetValue(topic)!));
    }

    /// <exception cref="SettingException">The time is none.</exception>
    public DeadLetterFilter Read(ParseResult parsed) => new()
    {
        Reasons = (parsed.GetValue(reason) ?? []).ToHashSet(StringComparer.Ordinal),
        Since = parsed.GetValue(since) is not { } text ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.UtcDateTime
            : throw new SettingException($"--since {text} is no time; write it as 2026-03-01T09:30:00Z."),
    };
}
