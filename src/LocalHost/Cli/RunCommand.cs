using System.CommandLine;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>The options of a run, checked.</summary>
internal sealed record RunOptions
{
    public IReadOnlyList<RunInput> Inputs { get; init; } = [];

    public bool Again { get; init; }

    public double? Rate { get; init; }

    public int? Partitions { get; init; }

    public bool Once { get; init; }

    public bool KeepOpen { get; init; }

    public string Data { get; init; } = ".data";

    public bool Fresh { get; init; }

    public string? Kafka { get; init; }

    public string? KafkaUser { get; init; }

    public string? KafkaPassword { get; init; }

    public string? KafkaProtocol { get; init; }

    public int Port { get; init; } = 7071;

    public string? Report { get; init; }

    public bool Verbose { get; init; }
}

/// <summary>The root command: runs the pipeline.</summary>
internal static class RunCommand
{
    private const string Description = """
        Tidemark on this machine: the functions, with Azurite and a Kafka emulator unless real ones are named.
        Without --input a simulated shop produces events, and devices produce readings: some history first, then as time goes by.
        Settings are read from local.settings.json and the environment, which wins; AzureWebJobsStorage and BrokerList in the environment name
        real services. Exit codes: 0 done, 1 failed, 2 wrong option or setting, 3 the data directory is in use, 130 or 143 ended by a signal.
        """;

    public static RootCommand Create(TextWriter output, TextWriter errors)
    {
        var input = new Option<string[]>("--input") { Description = "File of JSON lines, packed by gzip or not, for the main topic, keyed by user_id; sensors=FILE and purchases=FILE for those topics, keyed by device_id and user_id; may be given again", HelpName = "[TOPIC=]FILE" };
        var again = new Option<bool>("--again") { Description = "Read files again whose content was read on this data directory before" };
        var rate = new Option<double?>("--rate") { Description = "Events a second: of the demo (default 20), or at most of the input", HelpName = "N" };
        var partitions = new Option<int?>("--partitions") { Description = "Partitions of a new topic [default: 6]", HelpName = "N" };
        var once = new Option<bool>("--once") { Description = "Process what there is, close all windows, commit and end" };
        var keepOpen = new Option<bool>("--keep-open") { Description = "With --once: leave windows open that the watermark has not reached, for more input of the same time" };
        var data = DataOption();
        var fresh = new Option<bool>("--fresh") { Description = "Delete all state of the data directory first" };
        var kafka = new BrokerArguments("Use these brokers instead of the emulator");
        var port = new Option<int>("--port") { Description = "Port of the page and the API; 0 takes a free one", DefaultValueFactory = _ => 7071, HelpName = "N" };
        var report = new Option<string?>("--report") { Description = "Write what the run did as JSON", HelpName = "FILE" };
        var verbose = new Option<bool>("--verbose") { Description = "Log what host.json lets through to standard error, not only warnings; logs/host.log in the data directory has it all" };
        var root = new RootCommand(Description) { input, again, rate, partitions, once, keepOpen, data, fresh, port, report, verbose };
        kafka.AddTo(root);
        root.SetAction(async (parsed, _) =>
        {
            var options = kafka.Read(parsed) with
            {
                Inputs = [.. (parsed.GetValue(input) ?? []).Select(RunInput.Parse)],
                Again = parsed.GetValue(again),
                Rate = parsed.GetValue(rate),
                Partitions = parsed.GetValue(partitions),
                Once = parsed.GetValue(once),
                KeepOpen = parsed.GetValue(keepOpen),
                Data = parsed.GetValue(data)!,
                Fresh = parsed.GetValue(fresh),
                Port = parsed.GetValue(port),
                Report = parsed.GetValue(report),
                Verbose = parsed.GetValue(verbose),
            };
            Check(options);
            await using var run = new RunSession(options, output, errors);
            return await run.RunAsync();
        });
        return root;
    }

    /// <summary><c>--data</c>, the same for all commands.</summary>
    public static Option<string> DataOption() => new("--data")
    {
        Description = "Folder of all state; the same folder resumes", DefaultValueFactory = _ => ".data", HelpName = "DIR",
    };

    private static void Check(RunOptions options)
    {
        if (options.Rate is <= 0 or double.NaN)
            throw new SettingException($"--rate {options.Rate} makes no sense; give a number above 0.");
        if (options.Partitions is < 1 or > 1000)
            throw new SettingException($"--partitions {options.Partitions} is out of range; give 1 to 1000.");
        if (options.Again && options.Inputs.Count == 0)
            throw new SettingException("--again says that input is read again; give --input with it.");
        if (options.KeepOpen && !options.Once)
            throw new SettingException("--keep-open says what --once leaves open; give both, or neither to run on.");
        if (options.Port is < 0 or > 65535)
            throw new SettingException($"--port {options.Port} is no port; give 1 to 65535, or 0 for a free one.");
        if (options.Report is { } report && Path.GetDirectoryName(Path.GetFullPath(report)) is { } folder && !Directory.Exists(folder))
            throw new SettingException($"--report {report}: there is no folder {folder}; create it first.");
        foreach (var input in options.Inputs)
        {
            if (!File.Exists(input.File))
                throw new SettingException($"--input {input.File}: {Missing(input.File)}");
        }
    }

    private static string Missing(string file) => file switch
    {
        _ when Directory.Exists(file) => "it is a folder; give a file of JSON lines, and --input again for each further one.",
        // What stands before a file is a topic, unless a file has that name.
        _ when file.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && !file[..at].Contains('/', StringComparison.Ordinal) =>
            $"there is no topic '{file[..at]}'; before the file may stand {string.Join(" or ", RunTopics.InputNames.Select(name => name + "="))}.",
        _ => "there is no such file.",
    };
}
