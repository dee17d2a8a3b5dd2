using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>late list</c> and <c>windows reopen</c>: what came too late, and how it gets into its windows after all.</summary>
internal static class LateCommands
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Command Late(TextWriter output, TextWriter errors)
    {
        var query = QueryOption();
        var window = WindowOption();
        var since = new Option<string?>("--since") { Description = "Events with a time at or after this", HelpName = "TIME" };
        var topic = new Option<string?>("--topic") { Description = $"Of this topic only: {string.Join(", ", RunTopics.InputNames)}", HelpName = "NAME" };
        var limit = new Option<int>("--limit") { Description = "Most events that are printed one by one; 0 prints only the counts", DefaultValueFactory = _ => 20, HelpName = "N" };
        var json = JsonOption();
        var data = RunCommand.DataOption();
        var list = new Command("list", "Print late events: counts by query and window, then the events") { query, window, since, topic, limit, json, data };
        list.SetAction((parsed, cancel) =>
        {
            var wanted = new LateList(
                parsed.GetValue(topic), parsed.GetValue(query), CliValues.Time("--window", parsed.GetValue(window)), CliValues.Time("--since", parsed.GetValue(since)),
                parsed.GetValue(limit) is >= 0 and var most ? most : throw new SettingException($"--limit {parsed.GetValue(limit)} makes no sense; give 0 or more."), parsed.GetValue(json));
            return DataServices.UseReadAsync(parsed.GetValue(data)!, errors, (services, limited) => wanted.PrintAsync(services, output, limited), cancel);
        });
        return new Command("late", "Events that came after a window of theirs had closed") { list };
    }

    public static Command Windows(TextWriter output, TextWriter errors)
    {
        var query = QueryOption();
        var window = WindowOption();
        var from = new Option<string?>("--from") { Description = "Windows that start at or after this", HelpName = "TIME" };
        var to = new Option<string?>("--to") { Description = "Windows that start before this", HelpName = "TIME" };
        var all = new Option<bool>("--all") { Description = "Also windows without late events, as when a query's definition has changed; with --window, or --from and --to" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would be corrected" };
        var json = JsonOption();
        var data = RunCommand.DataOption();
        var reopen = new Command("reopen", "Merge late events into their closed windows and correct the rows, in Delta and in Table storage; the same again changes nothing")
        {
            query, window, from, to, all, dryRun, json, data,
        };
        reopen.SetAction((parsed, cancel) =>
        {
            var selection = Selection(parsed.GetValue(query), parsed.GetValue(window), parsed.GetValue(from), parsed.GetValue(to), parsed.GetValue(all));
            return DataServices.UseReadAsync(parsed.GetValue(data)!, errors, async (services, limited) =>
            {
                var sources = selection.Query is { } name ? [EventSources.OfQuery(services, name)] : EventSources.All(services);
                return await ReopenAsync(services, sources, selection, parsed.GetValue(dryRun), parsed.GetValue(json), output, errors, limited);
            }, cancel);
        });
        return new Command("windows", "Closed windows") { reopen };
    }

    private static async Task<int> ReopenAsync(
        IServiceProvider services, IReadOnlyList<HostedSource> sources, ReopenSelection selection, bool dryRun, bool json, TextWriter output, TextWriter errors, CancellationToken cancel)
    {
        var (windows, corrected, open) = (0, 0, 0);
        foreach (var source in sources)
        {
            await foreach (var w in source.Reopener!.RunAsync(selection, dryRun, cancel))
            {
                (windows, corrected, open) = (windows + 1, corrected + (w.Outcome is ReopenOutcome.Corrected or ReopenOutcome.Different ? 1 : 0), open + (w.Outcome == ReopenOutcome.Open ? 1 : 0));
                output.WriteLine(json
                    ? JsonSerializer.Serialize(new { w.Query, start = CliValues.Text(w.StartMs), end = CliValues.Text(w.EndMs), w.LateEvents, w.Repeats, w.RowsRemoved, w.RowsAdded, w.Version, outcome = w.Outcome.ToString().ToLowerInvariant() }, Json)
                    : $"{w.Query} {CliValues.Text(w.StartMs)}: {CliValues.Count(w.LateEvents, "late event")}{(w.Repeats > 0 ? $" ({w.Repeats} of them duplicates)" : "")}, {Words(w)}");
            }
        }

        var streams = selection.Query is null ? await StreamsAsync(services, sources, cancel) : [];
        foreach (var (stream, count) in streams)
            errors.WriteLine($"{stream}: {CliValues.Count(count, "late event")}; a stream depends on the order of events and cannot be reopened, ./run replay computes it anew.");
        if (!json)
            output.WriteLine($"{CliValues.Count(windows, "window")} with late events, {corrected} {(dryRun ? "would be " : "")}corrected{(open > 0 ? $", {open} not closed yet" : "")}");
        return ExitCodes.Success;
    }

    private static string Words(ReopenedWindow window) => window.Outcome switch
    {
        ReopenOutcome.Open => "not reopened: the window is not closed yet, or its rows are not in Delta and Table storage",
        ReopenOutcome.Unchanged => "its rows are right",
        ReopenOutcome.Different => $"{CliValues.Count(window.RowsRemoved, "row")} would be replaced by {window.RowsAdded}",
        _ => $"{CliValues.Count(window.RowsRemoved, "row")} replaced by {window.RowsAdded}, version {window.Version}",
    };

    /// <summary>Late events of streams, which have no windows to reopen.</summary>
    private static async Task<IReadOnlyList<(string Stream, int Count)>> StreamsAsync(IServiceProvider services, IReadOnlyList<HostedSource> sources, CancellationToken cancel)
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var pipeline in sources.Select(source => source.Hosted.Pipeline))
            await foreach (var late in LateEvent.ReadAsync(services.GetRequiredService<ILake>(), pipeline, null, null, cancel))
                if (pipeline.Streams.Any(s => s.Name == late.Query))
                    counts[late.Query] = counts.GetValueOrDefault(late.Query) + 1;
        return [.. counts.Select(c => (c.Key, c.Value))];
    }

    private static ReopenSelection Selection(string? query, string? window, string? from, string? to, bool all)
    {
        if (window is not null && (from ?? to) is not null)
            throw new SettingException("--window names one window, --from and --to many; give one or the other.");
        if (all && window is null && (from is null || to is null))
            throw new SettingException("--all needs to know which windows: give --window, or --from and --to.");
        if (CliValues.Time("--window", window) is { } start)
            return new ReopenSelection(query, start, start + 1, all);
        var selection = new ReopenSelection(query, CliValues.Time("--from", from), CliValues.Time("--to", to), all);
        return selection.FromMs >= selection.ToMs ? throw new SettingException($"--from {from} is not before --to {to}.") : selection;
    }

    private static Option<string?> QueryOption() => new("--query") { Description = "Of this query only, e.g. category_views", HelpName = "QUERY" };

    private static Option<string?> WindowOption() => new("--window") { Description = "Only the window that starts then, e.g. 2026-03-01T09:30:00Z", HelpName = "TIME" };

    internal static Option<bool> JsonOption() => new("--json") { Description = "JSON lines, for scripts" };
}
