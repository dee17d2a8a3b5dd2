using Microsoft.Extensions.Configuration;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Producing;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Cli;

/// <summary>A topic that a run reads.</summary>
/// <param name="Name">Name of its source in the pipeline: <c>events</c>, <c>sensors</c>, …</param>
/// <param name="Topic">Kafka topic.</param>
/// <param name="Group">Consumer group of its trigger.</param>
/// <param name="Key">Field of a line that is its key in Kafka.</param>
internal sealed record RunTopic(string Name, string Topic, string Group, string Key)
{
    public TopicGroup Kafka => new(Topic, Group);
}

/// <summary>The topics beside the main one: their settings, and what names them on the command line.</summary>
internal static class RunTopics
{
    /// <summary>Name of a source, the settings of its topic and start, the topic's usual name, the function that reads it, the key of its records.</summary>
    private static readonly (string Name, string Setting, string Start, string Usual, string Function, string Key)[] Further =
    [
        (HostedPipelines.Sensors, Names.SensorsTopic, Names.SensorsStartFrom, "sensors", "IngestSensors", "device_id"),
        (HostedPipelines.Purchases, Names.PurchasesTopic, Names.PurchasesStartFrom, "purchases", "IngestPurchases", LineKey.User),
    ];

    /// <summary>Names that may stand before a file: <c>--input sensors=FILE</c>.</summary>
    public static IReadOnlyList<string> InputNames { get; } = [HostedPipelines.Main, .. Further.Select(f => f.Name)];

    /// <summary>Settings that switch further topics on: those that an input names, and all of them for the demo.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Defaults(Predicate<string> isOn) =>
        Further.Where(f => isOn(f.Name)).Select(f => KeyValuePair.Create(f.Setting, (string?)f.Usual));

    /// <summary>Settings that leave the functions out whose topic is not named.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Disabled(IConfiguration settings) =>
        Further.Where(f => settings[f.Setting] is null or "").Select(f => KeyValuePair.Create(Settings.AppSettings.Disabled(f.Function), (string?)"true"));

    /// <summary>Settings that leave the further topics out that are not named.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Without(IReadOnlyList<string> names) =>
        Further.Where(f => !names.Contains(f.Name)).Select(f => KeyValuePair.Create(f.Setting, (string?)""));

    /// <summary>
    /// For commands, which begin nowhere and look at every topic that a run on the folder may have read: a start for those without. That of the main topic may be offsets, which say nothing of
    /// others, and the run need not have read any.
    /// </summary>
    public static IConfigurationRoot WithStarts(IConfigurationRoot settings)
    {
        foreach (var topic in Further.Where(f => settings[f.Start] is null or ""))
            settings[topic.Start] = "earliest";
        return settings;
    }

    /// <summary>The topics that are read, the main one first.</summary>
    public static IReadOnlyList<RunTopic> Of(IConfiguration settings) =>
    [
        new(HostedPipelines.Main, settings[Names.KafkaTopic]!, settings[Names.KafkaGroup]!, LineKey.User),
        .. Further.Where(f => settings[f.Setting] is { Length: > 0 }).Select(f => new RunTopic(f.Name, settings[f.Setting]!, $"{settings[Names.KafkaGroup]}-{f.Name}", f.Key)),
    ];

    /// <summary>What an emulator holds: also the topics that this run does not read, since another on the same folder may.</summary>
    public static IReadOnlyList<TopicGroup> OfEmulator(IConfiguration settings)
    {
        var read = Of(settings);
        return [.. read.Select(t => t.Kafka), .. Further.Where(f => read.All(t => t.Name != f.Name && t.Topic != f.Usual)).Select(f => new TopicGroup(f.Usual, $"{settings[Names.KafkaGroup]}-{f.Name}"))];
    }
}

/// <summary>A file to read, and the source that it is for.</summary>
internal sealed record RunInput(string Name, string File)
{
    /// <summary><c>FILE</c> or <c>NAME=FILE</c>.</summary>
    public static RunInput Parse(string text) =>
        text.IndexOf('=', StringComparison.Ordinal) is var at and > 0 && RunTopics.InputNames.Contains(text[..at]) ? new(text[..at], text[(at + 1)..]) : new(HostedPipelines.Main, text);
}
