using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>What <c>late list</c> prints: per query and window how many events missed it and how many were merged since, then the events.</summary>
internal sealed record LateList(string Topic, string? Query, long? WindowMs, long? SinceMs, int Limit, bool Json)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public async Task<int> PrintAsync(IServiceProvider services, TextWriter output, CancellationToken cancel)
    {
        var hosted = TopicOption.Find(services, Topic);
        var pipeline = hosted.Pipeline;
        if (Query is { } name && pipeline.Queries.All(q => q.Name != name) && pipeline.Streams.All(s => s.Name != name))
            throw new SettingException($"There is no query or stream {name}; there are {string.Join(", ", pipeline.Queries.Select(q => q.Name).Concat(pipeline.Streams.Select(s => s.Name)))}.");
        var merged = new Dictionary<string, IReadOnlyDictionary<long, VersionedCorrection>>();
        // Only windows over the main topic are reopened.
        foreach (var query in pipeline.Queries)
            merged[query.Name] = hosted.Name != HostedPipelines.Main ? new Dictionary<long, VersionedCorrection>() : await services.GetRequiredService<ICorrectionLog>().ReadAsync(query.Name, cancel);
        var windows = new SortedDictionary<(string Query, long Start), (int Events, int Merged)>();
        var events = new List<(LateEvent Event, int Merged)>();
        await foreach (var late in LateEvent.ReadAsync(services.GetRequiredService<ILake>(), pipeline.Tables.First(t => t.Name == ((IRecounting)pipeline).LateTable), SinceMs, cancel))
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
                events.Add((late, done));
        }

        foreach (var ((query, start), (count, done)) in windows)
            output.WriteLine(Json
                ? JsonSerializer.Serialize(new { query, window = CliValues.Text(start), events = count, merged = done }, Options)
                : $"{query} {CliValues.Text(start)}: {CliValues.Count(count, "late event")}{(done > 0 ? $", {done} of them merged" : "")}");
        var shown = events.OrderBy(e => e.Event.Partition).ThenBy(e => e.Event.Offset).ThenBy(e => e.Event.Query, StringComparer.Ordinal).Take(Limit).ToList();
        foreach (var (late, done) in shown)
            output.WriteLine(Json
                ? JsonSerializer.Serialize(new
                {
                    late.Query, eventId = Of(late, late.EventId), eventType = Of(late, late.EventType), userId = Of(late, late.UserId), fields = late.Fields?.ToDictionary(f => f.Key, f => f.Value),
                    eventTime = CliValues.Text(late.EventTimeMs), late.Partition, late.Offset,
                    windowsMissed = late.Missed, windowsCounted = late.Counted, windowsMerged = done, frontier = CliValues.Text(late.FrontierMs),
                }, Options)
                : $"  {What(late)} at {CliValues.Text(late.EventTimeMs)}, partition {late.Partition} offset {late.Offset}, {late.Query}: missed {late.Missed}, counted in {late.Counted}, merged into {done}");
        if (!Json)
            output.WriteLine($"{CliValues.Count(events.Count, "late event")} in {CliValues.Count(windows.Count, "window")}{(shown.Count < events.Count ? $"; --limit shows more than {shown.Count}" : "")}");
        return ExitCodes.Success;
    }

    private static string? Of(LateEvent late, string text) => late.Fields is null ? text : null;

    private static string What(LateEvent late) => late.Fields is { } fields ? string.Join(' ', fields.Select(f => $"{f.Key} {f.Value}")) : $"{late.EventId} {late.EventType} of {late.UserId}";
}
