using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>The topics that are read, for commands that look at what is computed over each of them. No two have a query or stream of the same name.</summary>
internal static class EventSources
{
    /// <summary>All of them, the main one first; what joins two topics is none.</summary>
    public static IReadOnlyList<HostedSource> All(IServiceProvider services) => [.. services.GetRequiredService<HostedSources>().All.Where(source => source.Reopener is not null)];

    /// <summary>Those of a topic, of a query or stream, or all where neither is named.</summary>
    /// <exception cref="SettingException">There is no such topic, query or stream.</exception>
    public static IReadOnlyList<HostedSource> Of(IServiceProvider services, string? topic, string? name)
    {
        var all = All(services);
        if (topic is not null)
            all = [all.FirstOrDefault(source => source.Name == topic) ?? throw new SettingException($"No topic {topic} is read here; there are {string.Join(", ", all.Select(source => source.Name))}.")];
        if (name is null)
            return all;
        if (services.GetRequiredService<HostedSources>().All.SelectMany(source => source.Hosted.Pipeline.Streams).FirstOrDefault(s => s.Name == name) is { Joined: not null })
            throw new SettingException($"{name} joins two topics; what came too late for a join is in its table of late rows, see ./run show gold/{name.Replace("_late", "", StringComparison.Ordinal)}_late.");
        return all.FirstOrDefault(source => Queries(source).Concat(Streams(source)).Contains(name)) is { } found ? [found]
            : throw new SettingException($"There is no query or stream {name}; there are {string.Join(", ", all.SelectMany(source => Queries(source).Concat(Streams(source))))}.");
    }

    /// <summary>The topic of a window query.</summary>
    /// <exception cref="SettingException">There is no such query, or it has no windows.</exception>
    public static HostedSource OfQuery(IServiceProvider services, string query)
    {
        var all = All(services);
        if (all.FirstOrDefault(source => Queries(source).Contains(query)) is { } found)
            return found;
        if (services.GetRequiredService<HostedSources>().All.SelectMany(Streams).Contains(query))
            throw new SettingException(
                $"{query} is a stream: it depends on the order of events and has no windows that could be computed again; ./run replay computes it anew, ./run explain --event ID says which rows of it an event is in.");
        throw new SettingException($"There is no query {query}; there are {string.Join(", ", all.SelectMany(Queries))}.");
    }

    private static IEnumerable<string> Queries(HostedSource source) => source.Hosted.Pipeline.Queries.Select(q => q.Name);

    private static IEnumerable<string> Streams(HostedSource source) => source.Hosted.Pipeline.Streams.Select(s => s.Name);
}
