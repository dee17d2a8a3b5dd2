using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions;
using Tidemark.Functions.Replay;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Producing;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>dlq list</c> and <c>dlq replay</c>: quarantined records of a data directory, whether a pipeline runs on it or not.</summary>
internal static class DeadLetterCommands
{
    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("dlq", "Quarantined records (dead letters): list them, send them to the topic again");
        command.Subcommands.Add(List(output, errors));
        command.Subcommands.Add(Replay(output, errors));
        return command;
    }

    private static Command List(TextWriter output, TextWriter errors)
    {
        var chosen = new DeadLetterArguments();
        var limit = new Option<int>("--limit") { Description = "Most records", DefaultValueFactory = _ => 100, HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "One JSON object a line, with key, value and headers" };
        var data = RunCommand.DataOption();
        var command = new Command("list", "Print quarantined records, the newest first, and what became of their replay") { limit, json, data };
        chosen.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var filter = chosen.Read(parsed);
            var most = parsed.GetValue(limit) is > 0 and var n ? n : throw new SettingException($"--limit {parsed.GetValue(limit)} makes no sense; give a number above 0.");
            await DataServices.UseAsync(parsed.GetValue(data)!, needsTables: true, errors, async (settings, limited) =>
            {
                await using var services = Services(settings);
                await EverRead.RequireAsync(services, limited);
                var quarantine = chosen.Of(services, parsed);
                var (records, more) = await NewestAsync(services, quarantine, filter, most, limited);
                var replays = await quarantine.Replays.ListAsync(limited);
                foreach (var record in records)
                    output.WriteLine(parsed.GetValue(json)
                        ? DeadLetterText.Json(record, replays.GetValueOrDefault((record.Partition, record.Offset)))
                        : DeadLetterText.Line(record, replays.GetValueOrDefault((record.Partition, record.Offset))));
                if (records.Count == 0 && !parsed.GetValue(json))
                    await errors.WriteLineAsync("no such record is in quarantine");
                if (more)
                    await errors.WriteLineAsync($"There are more records than {most}; --limit N shows more.");
            }, cancel);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Replay(TextWriter output, TextWriter errors)
    {
        var chosen = new DeadLetterArguments();
        var id = new Option<string[]>("--id") { Description = "This record; may be given again", HelpName = "PARTITION/OFFSET" };
        var all = new Option<bool>("--all") { Description = "All of them" };
        var limit = new Option<int?>("--limit") { Description = "Most records to send", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "One JSON object a line" };
        var data = RunCommand.DataOption();
        var kafka = new BrokerArguments("Send to these brokers instead of the emulator");
        var command = new Command("replay", """
            Send quarantined records to the topic again, byte for byte, each once however often this is asked and whatever ends it on the way. Those that are
            replays themselves and came back are sent again only by --id. Exit codes: 0 every record is sent (now or before), 1 some are not, 2 wrong option.
            """)
        {
            id, all, limit, json, data,
        };
        chosen.AddTo(command);
        kafka.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var filter = chosen.Read(parsed) with { Ids = (parsed.GetValue(id) ?? []).Select(Id).ToHashSet() };
            if (filter.Ids.Count == 0 && filter.Reasons.Count == 0 && !parsed.GetValue(all))
                throw new SettingException("Say which records: --reason REASON, --id PARTITION/OFFSET, or --all.");
            if (parsed.GetValue(limit) is <= 0)
                throw new SettingException($"--limit {parsed.GetValue(limit)} makes no sense; give a number above 0.");
            var code = ExitCodes.Success;
            await DataServices.UseWithKafkaAsync(parsed.GetValue(data)!, kafka.Read(parsed), errors, async (settings, limited) =>
            {
                await using var services = Services(settings);
                await EverRead.RequireAsync(services, limited);
                var quarantine = chosen.Of(services, parsed);
                await using var pace = Pace(parsed.GetValue(data)!, kafka.Read(parsed), RunTopics.Of(settings).First(t => t.Name == quarantine.Topic).Kafka, errors);
                var run = new DeadLetterReplay(services.GetRequiredService<QuarantineReader>(), quarantine, pace, TimeProvider.System, output, errors);
                code = await run.RunAsync(filter, parsed.GetValue(limit), parsed.GetValue(json), limited) ? ExitCodes.Success : ExitCodes.Failure;
            }, cancel);
            return code;
        });
        return command;
    }

    /// <summary>Null = brokers of others, which keep records by time.</summary>
    private static ReaderPace? Pace(string folder, RunOptions options, TopicGroup topic, TextWriter messages) =>
        RunSettings.GivenBrokers(options) is null && EmulatorInfo.Find(Path.GetFullPath(folder)) is { } emulator
            ? new ReaderPace(new KafkaConnection(emulator.Brokers), topic.Topic, topic.Group, emulator.Partitions, DataDirectory.Owner(Path.GetFullPath(folder)) is not null, TimeProvider.System, messages)
            : null;

    /// <summary>The newest records that the filter lets pass, and whether there are more.</summary>
    private static async Task<(IReadOnlyList<QuarantinedRecord> Records, bool More)> NewestAsync(ServiceProvider services, Quarantine quarantine, DeadLetterFilter filter, int most, CancellationToken cancel)
    {
        var newest = new PriorityQueue<QuarantinedRecord, (DateTime, int, long)>();
        var more = false;
        await foreach (var record in services.GetRequiredService<QuarantineReader>().ReadAsync(quarantine.Table, filter.Since, cancel))
        {
            if (!filter.Takes(record))
                continue;
            newest.Enqueue(record, (record.KafkaTime, record.Partition, record.Offset));
            if (newest.Count <= most)
                continue;
            newest.Dequeue();
            more = true;
        }

        var records = new List<QuarantinedRecord>();
        while (newest.TryDequeue(out var record, out _))
            records.Add(record);
        records.Reverse();
        return (records, more);
    }

    private static ServiceProvider Services(IConfigurationRoot settings)
    {
        // The pipeline's settings are read as a whole; a list asks Kafka nothing.
        if (settings[RunSettings.Brokers] is not { Length: > 0 })
            settings[RunSettings.Brokers] = "localhost:9092";
        return new ServiceCollection().AddLogging().AddTidemark(settings).BuildServiceProvider();
    }

    private static (int, long) Id(string text) => text.Split('/') is [var partition, var offset]
        && int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out var p) && long.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out var o)
            ? (p, o)
            : throw new SettingException($"--id {text} names no record; write it as PARTITION/OFFSET, such as 0/1234.");
}
