using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>What <c>late list</c> prints: per query and window how many events missed it and how many were merged since, then the events.</summary>
internal sealed record LateList(string? Topic, string? Query, long? WindowMs, long? SinceMs, int Limit, bool Json)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public async Task<int> PrintAsync(IServiceProvider services, TextWriter output, CancellationToken cancel)
    {
        var windows = new SortedDictionary<(string Query, long Start), (int Events, int Merged)>();
        var events = new List<(string Topic, LateEvent Event, int Merged)>();
        foreach (var source in EventSources.Of(services, Topic, Query))
            await ReadAsync(source, services.GetRequiredService<ILake>(), windows, events, cancel);
        foreach (var ((query, start), (count, done)) in windows)
            output.WriteLine(Json
                ? JsonSerializer.Serialize(new { query, window = CliValues.Text(start), events = count, merged = done }, Options)
                : $"{query} {CliValues.Text(start)}: {CliValues.Count(count, "late event")}{(done > 0 ? $", {done} of them merged" : "")}");
        // Topic by topic, as they were read.
        var shown = events.GroupBy(e => e.Topic).SelectMany(of => of.OrderBy(e => e.Event.Partition).ThenBy(e => e.Event.Offset).ThenBy(e => e.Event.Query, StringComparer.Ordinal)).Take(Limit).ToList();
        foreach (var (topic, late, done) in shown)
            output.WriteLine(Json
                ? JsonSerializer.Serialize(new
                {
                    late.Query, topic, eventId = Of(late, late.EventId), eventType = Of(late, late.EventType), userId = Of(late, late.UserId), fields = late.Fields?.ToDictionary(f => f.Key, f => f.Value),
                    eventTime = CliValues.Text(late.EventTimeMs), late.Partition, late.Offset,
                    windowsMissed = late.Missed, windowsCounted = late.Counted, windowsMerged = done, frontier = CliValues.Text(late.FrontierMs),
                }, Options)
                : $"  {What(late)} at {CliValues.Text(late.EventTimeMs)}, {topic} partition {late.Partition} offset {late.Offset}, {late.Query}: missed {late.Missed}, counted in {late.Counted}, merged into {done}");
        if (!Json)
            output.WriteLine($"{CliValues.Count(events.Count, "late event")} in {CliValues.Count(windows.Count, "window")}{(shown.Count < events.Count ? $"; --limit shows more than {shown.Count}" : "")}");
        return ExitCodes.Success;
    }

    private async Task ReadAsync(
        HostedSource source, ILake lake, SortedDictionary<(string Query, long Start), (int Events, int Merged)> windows, List<(string Topic, LateEvent Event, int Merged)> events, CancellationToken cancel)
    {
        var pipeline = source.Hosted.Pipeline;
        var merged = new Dictionary<string, IReadOnlyDictionary<long, VersionedCorrection>>();
        foreach (var query in pipeline.Queries)
            merged[query.Name] = await source.Corrections.ReadAsync(query.Name, cancel);
        await foreach (var late in LateEvent.ReadAsync(lake, pipeline, SinceMs, null, cancel))
        {
            if (Query is not null && late.Query != Query)
                continue;
            var spec = pipeline.Queries.FirstOrDefault(q => q.Name == late.Query);
            var (touched, done) = (false, 0);
            foreach (var end in spec is null ? [late.LastMissedEndMs] : late.MissedEnds(spec))
            {
                // A stream has no windows; its late events are counted by the hour.
                var start = spec is null ? late.EventTimeMs - late.EventTimeMs % 3_600_000 : end - spec.SizeMs;
                if (WindowMs is { } wanted && start != wanted)
                    continue;
                var isMerged = spec is not null && merged[spec.Name].TryGetValue(end, out var record) && !record.Value.IsPending && record.Value.Holds(late.Partition, late.Offset);
                var known = windows.GetValueOrDefault((late.Query, start));
                windows[(late.Query, start)] = (known.Events + 1, known.Merged + (isMerged ? 1 : 0));
                (touched, done) = (true, done + (isMerged ? 1 : 0));
            }

            if (touched)
                events.Add((source.Name, late, done));
        }
    }

    private static string? Of(LateEvent late, string text) => late.Fields is null ? text : null;

    private static string What(LateEvent late) => late.Fields is { } fields ? string.Join(' ', fields.Select(f => $"{f.Key} {f.Value}")) : $"{late.EventId} {late.EventType} of {late.UserId}";
}
