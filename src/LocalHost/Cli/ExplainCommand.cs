using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Explaining;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>explain</c>: from a number to its events, and from an event to everything that it touched.</summary>
internal static class ExplainCommand
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var query = new Argument<string?>("QUERY") { Description = "A window query, such as category_views", Arity = ArgumentArity.ZeroOrOne };
        var window = new Option<string?>("--window") { Description = "The window that starts then, e.g. 2026-03-01T09:30:00Z", HelpName = "TIME" };
        var key = new Option<string[]>("--key") { Description = "Value of each group key in order, or NAME=VALUE; null where the row has none, NAME= for an empty text, \"null\" for the word", HelpName = "VALUE", AllowMultipleArgumentsPerToken = true };
        var id = new Option<string?>("--event") { Description = "An event's id, in place of a query", HelpName = "ID" };
        var limit = new Option<int>("--limit") { Description = "Most events that are printed", DefaultValueFactory = _ => 20, HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "One JSON object, for scripts" };
        var data = RunCommand.DataOption();
        var command = new Command("explain", "Say which events made a row of any topic's queries, whether they give it again, and which were left out; or what became of one event, in all topics") { query, window, key, id, limit, json, data };
        command.SetAction((parsed, cancel) =>
        {
            var most = parsed.GetValue(limit) is >= 0 and var given ? given : throw new SettingException($"--limit {parsed.GetValue(limit)} makes no sense; give 0 or more.");
            var (name, eventId) = (parsed.GetValue(query), parsed.GetValue(id));
            if (name is null == eventId is null)
                throw new SettingException("Give a query with --window and --key, or --event ID.");
            var start = CliValues.Time("--window", parsed.GetValue(window));
            if (name is not null && start is null)
                throw new SettingException("--window is missing: the start of the window whose row is to be explained.");
            return DataServices.UseReadAsync(parsed.GetValue(data)!, errors, (services, limited) => name is null
                ? EventAsync(services, eventId!, parsed.GetValue(json), output, limited)
                : NumberAsync(services, name, start!.Value, parsed.GetValue(key) ?? [], most, parsed.GetValue(json), output, limited), cancel);
        });
        return command;
    }

    private static async Task<int> NumberAsync(IServiceProvider services, string name, long start, string[] keys, int limit, bool json, TextWriter output, CancellationToken cancel)
    {
        var source = EventSources.OfQuery(services, name);
        var query = source.Hosted.Pipeline.Queries.First(q => q.Name == name);
        var explainer = new NumberExplainer(source.Hosted.Pipeline, source.Hosted.Id, source.Ledger, services.GetRequiredService<ILake>(), source.Corrections);
        if (!explainer.IsWindow(query, start))
            throw new SettingException($"No window of {name} starts at {CliValues.Text(start)}; its windows are {query.SizeMs / 1000} s long and start every {query.SlideMs / 1000} s.");
        var found = await explainer.ExplainAsync(query, start, Group(explainer.Groups(name), keys, name), cancel);
        var counts = found.Events.GroupBy(e => e.Fate).ToDictionary(g => g.Key, g => g.Count());
        var partitions = found.Events.Where(e => e.Fate is EventFate.Counted or EventFate.Merged).GroupBy(e => e.Partition)
            .Select(p => new { partition = p.Key, events = p.Count(), first = p.Min(e => e.Offset), last = p.Max(e => e.Offset) }).ToList();
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                found.Query, topic = source.Name, window = CliValues.Text(found.StartMs), closed = found.IsClosed, row = Rows(found.Row).FirstOrDefault(), recomputed = Rows(found.Recomputed).FirstOrDefault(),
                agrees = found.Agrees, differences = found.Differences, counts = Enum.GetValues<EventFate>().ToDictionary(Word, f => counts.GetValueOrDefault(f)), partitions,
                events = found.Events.Take(limit).Select(e => new { e.Partition, e.Offset, eventId = e.Id, eventTime = CliValues.Text(e.TimeMs), fate = Word(e.Fate) }),
            }, Json));
            return ExitCodes.Success;
        }

        output.WriteLine($"row         {(found.Row.Count == 0 ? found.IsClosed ? "none: no event counts in it, or a condition or a top of the query leaves it out" : "none yet: the window is open" : JsonSerializer.Serialize(Rows(found.Row)[0], Json))}");
        output.WriteLine($"recomputed  {(found.Recomputed.Count == 0 ? "none" : JsonSerializer.Serialize(Rows(found.Recomputed)[0], Json))}");
        output.WriteLine(found.Agrees ? "agree       yes" : found.IsClosed ? $"agree       NO{(found.Differences.Count > 0 ? $", in {string.Join(", ", found.Differences)}" : "")}" : "agree       not yet: the window is open");
        output.WriteLine($"topic       {source.Name}");
        foreach (var p in partitions)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"partition {p.partition}: {CliValues.Count(p.events, "event")}, offsets {p.first} to {p.last}"));
        output.WriteLine($"{CliValues.Count(counts.GetValueOrDefault(EventFate.Counted), "event")} counted, {counts.GetValueOrDefault(EventFate.Merged)} merged later, {counts.GetValueOrDefault(EventFate.Late)} late and left out, {CliValues.Count(counts.GetValueOrDefault(EventFate.Duplicate), "duplicate")} dropped");
        // What was left out is what people look for.
        foreach (var e in found.Events.OrderByDescending(e => e.Fate is EventFate.Late or EventFate.Duplicate).Take(limit))
            output.WriteLine($"  {(e.Id is null ? "" : $"{e.Id} ")}at {CliValues.Text(e.TimeMs)}, partition {e.Partition} offset {e.Offset}: {Word(e.Fate)}");
        if (found.Events.Count > limit)
            output.WriteLine($"  … --limit shows more than {limit} of {found.Events.Count}");
        return ExitCodes.Success;
    }

    private static async Task<int> EventAsync(IServiceProvider services, string eventId, bool json, TextWriter output, CancellationToken cancel)
    {
        var lake = services.GetRequiredService<ILake>();
        var searched = EventSources.All(services).Where(source => EventExplainer.HasIds(source.Hosted.Pipeline)).ToList();
        var found = new List<(string Topic, EventExplanation Event)>();
        foreach (var source in searched)
            if (await new EventExplainer(source.Hosted.Pipeline, source.Hosted.Id, source.Ledger, lake, source.Corrections).ExplainAsync(eventId, cancel) is { Records.Count: > 0 } explained)
                found.Add((source.Name, explained));
        var joins = services.GetRequiredService<HostedPipelines>().All.SelectMany(hosted => hosted.Pipeline.Streams).Where(stream => stream.Joined is not null);
        var joined = found.Count == 0 ? [] : await NamedRows.WithOriginsAsync(lake, await NamedRows.FindAsync(lake, joins, eventId, cancel), cancel);
        var code = found.Count == 0 ? ExitCodes.Failure : ExitCodes.Success;
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                eventId, searched = searched.Select(source => source.Name), topics = found.Select(of => Object(of.Topic, of.Event)),
                joined = joined.Select(row => new { table = TableNames.Gold(row.Stream.Name), row = Rows(row.Row)[0], madeOf = row.Origins }),
            }, Json));
            return code;
        }

        if (found.Count == 0)
            output.WriteLine($"No record in bronze holds the id {eventId}; the topics {string.Join(", ", searched.Select(source => source.Name))} were searched. What was read in the last seconds is not there yet.");
        foreach (var (topic, explained) in found)
            Print(topic, explained, output);
        foreach (var row in joined)
        {
            output.WriteLine($"joined in   {TableNames.Gold(row.Stream.Name)}: {JsonSerializer.Serialize(Rows(row.Row)[0], Json)}");
            foreach (var o in row.Origins)
                output.WriteLine($"  made of   {o.EventId}, partition {o.Partition} offset {o.Offset} of {o.Table}");
        }

        return code;
    }

    private static object Object(string topic, EventExplanation found) => new
    {
        topic,
        records = found.Records.Select(r => new { r.Partition, r.Offset, kafkaTime = CliValues.Text(r.KafkaTimeMs), r.Place, r.Reason }),
        events = Rows(found.Rows),
        windows = found.Windows.Select(w => new { w.Query, window = CliValues.Text(w.StartMs), w.Group, closed = w.IsClosed, fate = Word(w.Fate), w.Offset }),
        notTaken = found.NotTaken, lateForStreams = found.LateForStreams,
        named = found.Named.Select(n => new { table = TableNames.Gold(n.Stream.Name), row = Rows(n.Row)[0] }),
    };

    private static void Print(string topic, EventExplanation found, TextWriter output)
    {
        output.WriteLine($"topic       {topic}");
        foreach (var r in found.Records)
            output.WriteLine($"record      partition {r.Partition} offset {r.Offset}, Kafka time {CliValues.Text(r.KafkaTimeMs)}: {(r.Reason is null ? $"in {r.Place}" : $"{r.Place}, {r.Reason}")}");
        foreach (var row in Rows(found.Rows))
            output.WriteLine($"event       {JsonSerializer.Serialize(row, Json)}");
        foreach (var w in found.Windows)
            output.WriteLine($"window      {w.Query} {CliValues.Text(w.StartMs)}{(w.Group.Count > 0 ? $" of {string.Join(", ", w.Group.Select(g => $"{g.Key} {g.Value ?? "null"}"))}" : "")}: {Word(w.Fate)}{(w.IsClosed ? "" : ", the window is open")}{(found.Rows.Count > 1 ? $" (offset {w.Offset})" : "")}");
        foreach (var named in found.Named)
            output.WriteLine($"named in    {TableNames.Gold(named.Stream.Name)}: {JsonSerializer.Serialize(Rows(named.Row)[0], Json)}");
        if (found.LateForStreams.Count > 0)
            output.WriteLine($"late for    {string.Join(", ", found.LateForStreams)}");
        if (found.NotTaken.Count > 0)
            output.WriteLine($"not taken   by the conditions of {string.Join(", ", found.NotTaken)}");
    }

    private static Dictionary<string, string?> Group(IReadOnlyList<string> names, string[] given, string query)
    {
        var group = new Dictionary<string, string?>();
        foreach (var text in given)
        {
            var name = text.IndexOf('=', StringComparison.Ordinal) is > 0 and var cut && names.Contains(text[..cut]) ? text[..cut] : names.FirstOrDefault(n => !group.ContainsKey(n))
                ?? throw new SettingException($"--key {text} is one too many; the group keys of {query} are {(names.Count == 0 ? "none" : string.Join(", ", names))}.");
            var value = text.StartsWith(name + "=", StringComparison.Ordinal) ? text[(name.Length + 1)..] : text;
            group[name] = value == "null" ? null : value == "\"null\"" ? "null" : value;
        }

        return names.FirstOrDefault(n => !group.ContainsKey(n)) is { } missing
            ? throw new SettingException($"--key is missing for {missing}; the group keys of {query} are {string.Join(", ", names)}.")
            : group;
    }

    private static List<Dictionary<string, object?>> Rows(RowBatch rows) => [.. Enumerable.Range(0, rows.Count).Select(row =>
        Enumerable.Range(0, rows.Columns.Count).ToDictionary(c => rows.Schema.Fields[c].Name, c => rows.Schema.Fields[c].Type switch
        {
            FieldType.Timestamp or FieldType.Date or FieldType.Decimal or FieldType.Binary => rows.Text(row, c),
            _ => rows.Value(row, c),
        }))];

    private static string Word(EventFate fate) => fate.ToString().ToLowerInvariant();
}
