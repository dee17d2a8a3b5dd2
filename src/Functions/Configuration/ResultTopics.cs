using System.Text.RegularExpressions;
using Confluent.Kafka;
using static Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.Functions.Configuration;

/// <summary>Kafka topics that are written; null = that one is not.</summary>
/// <param name="EventCounts">Rows of <c>event_counts</c>.</param>
/// <param name="Alerts">Fraud alerts and anomalies.</param>
/// <param name="DeadLetterSuffix">What the topic of quarantined records has behind the name of the topic that is read.</param>
/// <param name="Compression">How batches are compressed.</param>
public sealed partial record ResultTopics(string? EventCounts, string? Alerts, string? DeadLetterSuffix, CompressionType Compression)
{
    internal static ResultTopics Read(SettingReader read, IReadOnlyList<string> sources)
    {
        var topics = new ResultTopics(Topic(EventCountsTopic), Topic(AlertsTopic), read.Optional(Settings.Names.DeadLetterSuffix), read.Choice<CompressionType>(KafkaCompression));
        if (topics.DeadLetterSuffix is { } suffix && !(Suffix().IsMatch(suffix) && sources.All(source => source.Length + suffix.Length <= 249 && !sources.Contains(source + suffix))))
            throw new InvalidSettingException(Settings.Names.DeadLetterSuffix, $"is '{suffix}'; it should be the end of a topic's name, such as .dlq, and the names with it at most 249 characters long and none of a topic that is read.");
        return topics;

        string? Topic(string name)
        {
            if (read.Optional(name) is null)
                return null;
            var topic = read.Text(name, KafkaOptions.TopicName());
            return !sources.Contains(topic) ? topic : throw new InvalidSettingException(name, $"is '{topic}', a topic that is read; name another.");
        }
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,100}$")]
    private static partial Regex Suffix();
}
