using System.CommandLine;
using System.Runtime.InteropServices;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Producing;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>produce</c>: JSON lines to any Kafka, or to the emulator of a data directory.</summary>
internal static class ProduceCommand
{
    private const string Description = """
        Send JSON lines to Kafka: each acknowledged by all replicas, keyed, with an id and a time where the event has none. Without --kafka they go to
        the emulator of a run on --data, no faster than that run reads. Exit codes: 0 all delivered, 1 some were not, 2 wrong option or setting, 130
        or 143 ended by a signal.
        """;

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var file = new Argument<string>("FILE") { Description = "File of JSON lines, .gz too; - for standard input", DefaultValueFactory = _ => "-" };
        var topic = new Option<string?>("--topic") { Description = "Topic [default: the setting KafkaTopic, else events]" };
        var key = new Option<string>("--key") { Description = "Field whose text is the key", DefaultValueFactory = _ => "user_id", HelpName = "FIELD" };
        var rate = new Option<double?>("--rate") { Description = "Events a second at most", HelpName = "N" };
        var partitions = new Option<int?>("--partitions") { Description = "Make the topic where it is missing, with so many partitions", HelpName = "N" };
        var replication = new Option<short?>("--replication") { Description = "Replicas of a topic that is made [default: as the brokers are set up]", HelpName = "N" };
        var header = new Option<string[]>("--header") { Description = "Header of every event, such as schema-version=2; may be given again", HelpName = "NAME=VALUE" };
        var source = new Option<string>("--source") { Description = "Header source", DefaultValueFactory = _ => "tidemark-produce" };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON" };
        var data = RunCommand.DataOption();
        var kafka = new BrokerArguments("Send to these brokers instead of the emulator");
        var command = new Command("produce", Description) { file, topic, key, rate, partitions, replication, header, source, json, data };
        kafka.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var options = kafka.Read(parsed);
            var settings = RunSettings.Read(options);
            var plan = new ProducePlan
            {
                File = parsed.GetValue(file)!,
                Topic = parsed.GetValue(topic) ?? settings["KafkaTopic"]!,
                KeyField = parsed.GetValue(key)!,
                Rate = parsed.GetValue(rate),
                Partitions = parsed.GetValue(partitions),
                Replication = parsed.GetValue(replication),
                Headers = [new("source", parsed.GetValue(source)!), new("producer-version", Version()), .. (parsed.GetValue(header) ?? []).Select(Header)],
            };
            Check(plan);
            using var stop = new StopSignal(errors.WriteLine);
            var report = await RunAsync(plan, parsed.GetValue(data)!, options, errors, stop.Token);
            output.WriteLine(parsed.GetValue(json) ? report.Json() : report.Text());
            return !report.IsComplete ? ExitCodes.Failure : stop.Signal switch
            {
                null => ExitCodes.Success,
                PosixSignal.SIGINT => ExitCodes.Interrupted,
                _ => ExitCodes.Terminated,
            };
        });
        return command;
    }

    private static Task<ProduceReport> RunAsync(ProducePlan plan, string folder, RunOptions options, TextWriter errors, CancellationToken cancel)
    {
        if (RunSettings.GivenBrokers(options) is { } brokers)
            return new LineProducer(plan, KafkaConnection.FromSettings(brokers, RunSettings.Read(options)), null, TimeProvider.System, errors).RunAsync(cancel);
        var info = EmulatorInfo.Find(Path.GetFullPath(folder)) ?? throw new SettingException(
            $"No Kafka emulator runs on {folder}; start a run there (./run --data {folder}), or name brokers with --kafka HOST:PORT.");
        var readBy = plan.Topic == info.Topic ? RunSettings.Read(options)["KafkaGroup"] : null;
        return new LineProducer(plan, new KafkaConnection(info.Brokers), readBy, TimeProvider.System, errors).RunAsync(cancel);
    }

    private static void Check(ProducePlan plan)
    {
        if (plan.File != "-" && !File.Exists(plan.File))
            throw new SettingException($"{plan.File}: there is no such file.");
        if (plan.Rate is <= 0 or double.NaN)
            throw new SettingException($"--rate {plan.Rate} makes no sense; give a number above 0.");
        if (plan.Partitions is < 1 or > 1000)
            throw new SettingException($"--partitions {plan.Partitions} is out of range; give 1 to 1000.");
        if (plan.Replication is < 1 or > 10)
            throw new SettingException($"--replication {plan.Replication} is out of range; give 1 to 10.");
        if (plan.Replication is not null && plan.Partitions is null)
            throw new SettingException("--replication is for a topic that is made; give --partitions as well.");
    }

    private static KeyValuePair<string, string> Header(string text) => text.IndexOf('=', StringComparison.Ordinal) is > 0 and var cut
        ? new(text[..cut], text[(cut + 1)..])
        : throw new SettingException($"--header {text} is no header; write it as NAME=VALUE.");

    private static string Version() => typeof(ProduceCommand).Assembly.GetName().Version?.ToString(3) ?? "0";
}
