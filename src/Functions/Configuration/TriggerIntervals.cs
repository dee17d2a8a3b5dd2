using Tidemark.Domain.Pipelines;
using static Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.Functions.Configuration;

/// <summary>Trigger intervals of queries that take the place of those of their definitions.</summary>
/// <param name="AreOff">No query has one.</param>
/// <param name="ByQuery">By name; zero = none.</param>
public sealed record TriggerIntervals(bool AreOff, IReadOnlyDictionary<string, TimeSpan> ByQuery)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    internal static TriggerIntervals Read(SettingReader read)
    {
        var text = read.Optional(QueryTriggers) ?? "";
        var intervals = new Dictionary<string, TimeSpan>();
        if (text.Equals("off", StringComparison.OrdinalIgnoreCase))
            return new TriggerIntervals(true, intervals);
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (part.Split('=', StringSplitOptions.TrimEntries) is not [{ Length: > 0 } query, var time] || SettingReader.TryDuration(time) is not { } every || (every != TimeSpan.Zero && (every < Shortest || every > Longest)))
                throw new InvalidSettingException(QueryTriggers, $"has '{part}', which is no query with its interval; write it as daily_revenue=1m, with 0s (none) or 1s to 1h.");
            if (!intervals.TryAdd(query, every))
                throw new InvalidSettingException(QueryTriggers, $"names query {query} twice; name it once.");
        }

        return new TriggerIntervals(false, intervals);
    }

    /// <summary>Throws <see cref="InvalidSettingException"/> for a name that none of the pipelines has as a query.</summary>
    internal void Check(IReadOnlyList<IPipeline> pipelines)
    {
        var queries = pipelines.SelectMany(pipeline => pipeline.Queries).Select(query => query.Name).ToList();
        foreach (var name in ByQuery.Keys.Except(queries))
            throw new InvalidSettingException(QueryTriggers, pipelines.Any(pipeline => pipeline.Streams.Any(stream => stream.Name == name))
                ? $"names {name}, which is a stream: its rows come every {DeltaInterval}; leave it out."
                : $"names {name}, which is no query; the topics that are read have {string.Join(", ", queries)}.");
    }
}
