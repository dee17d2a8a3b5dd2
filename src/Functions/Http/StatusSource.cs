using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>The status of the deployment: that of the main topic, with those of further topics in it.</summary>
public sealed class StatusSource
{
    private readonly IReadOnlyList<SourceStatus> _sources;
    private Merged? _last;

    internal StatusSource(HostedSources sources, TimeProvider time) => _sources = [.. sources.All.Select(s => new SourceStatus(s, time))];

    /// <summary>The main topic's status. One that fails anywhere is failing; alerts and failures of further topics are among its own, with the topic's name before.</summary>
    public async Task<StatusReport> GetAsync(CancellationToken cancel)
    {
        var main = await _sources[0].GetAsync(cancel);
        if (_sources.Count == 1)
            return main;
        var further = new SortedDictionary<string, StatusReport>(StringComparer.Ordinal);
        foreach (var source in _sources.Skip(1))
            further[source.Name] = await source.GetAsync(cancel);
        // The same object while it is the same status, so that what is made of it need not be made again.
        if (_last is { } last && ReferenceEquals(last.Main, main) && further.Values.SequenceEqual(last.Further, ReferenceEqualityComparer.Instance))
            return last.Report;
        var failing = further.Where(s => s.Value.State == "failing").Select(s => (s.Key, s.Value.LastError)).FirstOrDefault();
        var report = main with
        {
            State = failing.Key is not null ? "failing" : main.State,
            LastError = main.LastError ?? (failing.LastError is { } error ? error with { Where = $"{failing.Key}: {error.Where}" } : null),
            Alerts = [.. main.Alerts.Concat(further.SelectMany(s => s.Value.Alerts.Select(a => a with { Subject = $"{s.Key}: {a.Subject}" }))).OrderByDescending(a => a.LastAt)],
            Sources = further,
        };
        _last = new Merged(main, [.. further.Values], report);
        return report;
    }

    /// <summary>
    /// Progress of all queries; series and rates of the main topic; entities, ranges and tables of all. From another instance they are up to ten seconds old.
    /// </summary>
    internal async Task<StoredView> ViewAsync(CancellationToken cancel)
    {
        var main = await _sources[0].ViewAsync(cancel);
        if (_sources.Count == 1)
            return main;
        var further = new List<(string Name, StoredView View)>();
        foreach (var source in _sources.Skip(1))
            further.Add((source.Name, await source.ViewAsync(cancel)));
        return new StoredView(
            main.View with
            {
                Entities = [.. main.View.Entities, .. further.SelectMany(s => s.View.View.Entities.Select(e => e with { Source = s.Name }))],
                Ranges = [.. main.View.Ranges, .. further.SelectMany(s => s.View.View.Ranges.Select(r => r with { Source = s.Name }))],
                Tables = [.. main.View.Tables, .. further.SelectMany(s => s.View.View.Tables)],
                Backlog = main.View.Backlog + further.Sum(s => s.View.View.Backlog),
            },
            [.. main.Progress, .. further.SelectMany(s => s.View.Progress)]);
    }

    private sealed record Merged(StatusReport Main, IReadOnlyList<StatusReport> Further, StatusReport Report);
}
