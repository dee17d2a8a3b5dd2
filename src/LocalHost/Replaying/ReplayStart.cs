using System.Globalization;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Replaying;

/// <summary>
/// Where a new replay starts, from <c>--start [NAME=]WHERE</c>: a time (of Kafka) of a topic, or of all that are not named; or offsets, which hold for one topic only and without a name for
/// the main one. A topic that none is given for starts at its beginning.
/// </summary>
internal sealed class ReplayStart
{
    private readonly Dictionary<string, string> _byTopic = [];
    private string? _others;

    /// <summary>Whether any is given.</summary>
    public bool Any => _others is not null || _byTopic.Count > 0;

    /// <exception cref="SettingException">A topic is not replayed, or is given twice.</exception>
    public static ReplayStart Parse(IReadOnlyList<string> given, IReadOnlyList<string> topics)
    {
        var starts = new ReplayStart();
        foreach (var text in given)
        {
            var (name, where) = text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? (text[..at], text[(at + 1)..]) : (IsOffsets(text) ? topics[0] : null, text);
            if (name is not null && !topics.Contains(name))
                throw new SettingException($"--start {text}: no topic {name} is replayed; there are {string.Join(", ", topics)}.");
            if (name is null ? starts._others is not null : !starts._byTopic.TryAdd(name, where))
                throw new SettingException($"--start {text}: where {name ?? "a topic"} starts is given already.");
            if (name is null)
                starts._others = where;
        }

        return starts;
    }

    /// <summary>The offset of each partition; null = the topic starts at its beginning.</summary>
    /// <exception cref="SettingException">It is no time and no offsets of this topic.</exception>
    public async Task<IReadOnlyDictionary<int, long>?> OfAsync(ReplayedTopic topic, CancellationToken cancel)
    {
        if (_byTopic.GetValueOrDefault(topic.Name, _others!) is not { } start)
            return null;
        var (log, ends, starts) = (topic.Log, topic.Ends, new Dictionary<int, long>());
        if (!IsOffsets(start))
        {
            var time = CliValues.Time("--start", start)!.Value;
            foreach (var partition in ends.Keys)
                starts[partition] = await log.OffsetAtAsync(partition, time, cancel);
            return starts;
        }

        foreach (var part in start.Split(','))
            if (part.Split(':') is [var p, var o] && int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
                && long.TryParse(o, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && ends.ContainsKey(partition))
                starts[partition] = Math.Clamp(offset, (await log.BoundsAsync(partition, cancel)).Start, ends[partition]);
            else
                throw new SettingException($"--start {start}: '{part}' is no partition and offset of topic {topic.Name}; write 0:1200,1:900 with partitions {string.Join(", ", ends.Keys.Order())}.");
        foreach (var partition in ends.Keys.Except(starts.Keys).ToList())
            starts[partition] = (await log.BoundsAsync(partition, cancel)).Start;
        return starts;
    }

    private static bool IsOffsets(string start) => start.Contains(':', StringComparison.Ordinal) && !start.Contains('-', StringComparison.Ordinal);
}
