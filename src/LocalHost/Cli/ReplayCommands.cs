using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Replaying;
using Tidemark.LocalHost.Settings;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>replay</c> and <c>swap</c>: everything computed anew beside what is there, and shown in its place.</summary>
internal static class ReplayCommands
{
    public static Command Replay(TextWriter output, TextWriter errors)
    {
        var version = VersionOption();
        var from = new Option<string>("--from") { Description = "bronze: every record that was ever read; kafka: what the topic still holds", DefaultValueFactory = _ => "bronze", HelpName = "bronze|kafka" };
        var start = new Option<string?>("--start") { Description = "Where a new replay starts: a time (of Kafka), or offsets as 0:1200,1:900; else at the beginning", HelpName = "WHERE" };
        var swap = new Option<bool>("--swap") { Description = "Show the new version at the end, as swap does" };
        var mainOnly = MainOnlyOption();
        var data = RunCommand.DataOption();
        var command = new Command("replay", "Compute all tables of the main topic anew under another version beside the present one; the same again goes on") { version, from, start, swap, mainOnly, data };
        command.SetAction(async (parsed, _) =>
        {
            var source = parsed.GetValue(from) is "bronze" or "kafka" ? parsed.GetValue(from)! : throw new SettingException($"--from {parsed.GetValue(from)} is unknown; give bronze or kafka.");
            using var stop = new StopSignal(errors.WriteLine);
            var folder = parsed.GetValue(data)!;
            CheckStorage();
            try
            {
                await DataServices.UseAsync(folder, needsTables: true, errors, async (settings, limited) =>
                {
                    var (present, next) = Versions(settings, parsed.GetValue(version)!);
                    if (parsed.GetValue(swap))
                        await CheckFurtherAsync(present, next, parsed.GetValue(mainOnly), limited);
                    await using var run = await ReplaySession.StartAsync(folder, present, next, source, output, errors, limited);
                    await run.RunAsync(parsed.GetValue(start), limited);
                }, stop.Token);
            }
            catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
            {
                output.WriteLine("stopped; the same command goes on from here");
                return stop.Signal == System.Runtime.InteropServices.PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated;
            }

            return parsed.GetValue(swap) ? await SwapAsync(folder, parsed.GetValue(version)!, parsed.GetValue(mainOnly), output, errors, CancellationToken.None) : ExitCodes.Success;
        });
        return command;
    }

    public static Command Swap(TextWriter output, TextWriter errors)
    {
        var version = VersionOption();
        var mainOnly = MainOnlyOption();
        var data = RunCommand.DataOption();
        var command = new Command("swap", "Let the data directory show a version that a replay has computed: run, show, status and the page go on with it") { version, mainOnly, data };
        command.SetAction((parsed, cancel) =>
        {
            CheckStorage();
            return SwapAsync(parsed.GetValue(data)!, parsed.GetValue(version)!, parsed.GetValue(mainOnly), output, errors, cancel);
        });
        return command;
    }

    private static async Task<int> SwapAsync(string folder, string version, bool mainOnly, TextWriter output, TextWriter errors, CancellationToken cancel)
    {
        await DataServices.UseAsync(folder, needsTables: true, errors, async (settings, limited) =>
        {
            var (present, next) = Versions(settings, version);
            // Taken by DataServices where nothing runs; a pipeline that runs would go on with the version that it began with.
            if (DataDirectory.Owner(folder) is { } owner && owner.Process != ProcessIdentity.Current)
                throw new DirectoryInUseException(Path.GetFullPath(folder), owner);
            await CheckAsync(present, next, limited);
            await CheckFurtherAsync(present, next, mainOnly, limited);
            new Generation(next[Names.PipelineVersion]!, next[Names.LakeContainer]!).Write(folder);
            output.WriteLine($"{Path.GetFullPath(folder)} shows version {next[Names.PipelineVersion]} in container {next[Names.LakeContainer]} from now on; before it was {Version(present)} in {Container(present)}, which stays as it is");
        }, cancel);
        return ExitCodes.Success;
    }

    /// <summary>The new version must have everything that the present one has: what Kafka does not hold any more could never be read again.</summary>
    private static async Task CheckAsync(IConfigurationRoot present, IConfigurationRoot next, CancellationToken cancel)
    {
        await using var old = ReplaySession.Services(present);
        await using var anew = ReplaySession.Services(next);
        var (from, to) = (old.GetRequiredService<ILedger>(), anew.GetRequiredService<ILedger>());
        if (await to.ReadMetaAsync(cancel) is not { } meta)
            throw new SettingException($"There is no version {Version(next)} here; compute it with ./run replay --version {Version(next)}.");
        foreach (var partition in (await from.ReadMetaAsync(cancel))?.Value.Starts.Keys.Order() ?? Enumerable.Empty<int>())
        {
            var (there, here) = ((await from.ReadHeadAsync(partition, cancel))?.Value, (await to.ReadHeadAsync(partition, cancel))?.Value);
            if (there is not null && !(here?.Next >= there.Next))
                throw new InvalidOperationException($"Version {Version(next)} has read partition {partition} up to offset {here?.Next ?? 0}, the present one up to {there.Next}; run ./run replay --version {Version(next)} again first.");
        }

        if ((await from.ReadMetaAsync(cancel))?.Value.FrontierMs > (meta.Value.FrontierMs ?? long.MinValue))
            throw new InvalidOperationException($"Event time of version {Version(next)} is behind that of the present one; run ./run replay --version {Version(next)} again first.");
    }

    /// <summary>A replay computes the main topic only: what was read of others would be left behind, which must not happen unsaid.</summary>
    private static async Task CheckFurtherAsync(IConfigurationRoot present, IConfigurationRoot next, bool mainOnly, CancellationToken cancel)
    {
        if (mainOnly)
            return;
        await using var old = ReplaySession.Services(present);
        var store = old.GetRequiredService<Delta.IObjectStore>();
        var left = new List<string>();
        foreach (var name in RunTopics.InputNames.Where(name => name != HostedPipelines.Main))
            await foreach (var file in store.ListAsync($"bronze/{name}/", null, cancel))
                if (file.Path.EndsWith(".parquet", StringComparison.Ordinal) && !file.Path.Contains("/_delta_log/", StringComparison.Ordinal))
                {
                    left.Add(name);
                    break;
                }

        if (left.Count > 0)
            throw new SettingException($"Version {Version(present)} has read {string.Join(" and ", left)} too, and a replay computes the main topic only; give --main-only to swap to version {Version(next)} without them, whose tables then stay in {Container(present)} and begin anew.");
    }

    private static (IConfigurationRoot Present, IConfigurationRoot Next) Versions(IConfigurationRoot settings, string version)
    {
        if (settings[RunSettings.Brokers] is not { Length: > 0 })
            settings[RunSettings.Brokers] = "localhost:9092";
        if (version == Version(settings))
            throw new SettingException($"--version {version} is the version that is shown; give another one.");
        var container = $"{Base(Container(settings), Version(settings))}-{Suffix(version)}";
        var next = new ConfigurationBuilder().AddConfiguration(settings).AddInMemoryCollection(
        [
            new(Names.PipelineVersion, version), new(Names.LakeContainer, container),
            // Where a replay begins is said by --start, or is the beginning.
            new(Names.StartFrom, "earliest"), new(Names.QueryTriggers, "off"),
            // All input is there: a partition that is read to its end has no more, and rows go out as soon as they are there.
            new(Names.IdleTimeout, "1s"), new(Names.DeltaInterval, "1s"), new(Names.CheckpointInterval, "5s"),
        ]).Build();
        _ = TidemarkOptions.Read(next);
        return (settings, next);
    }

    private static string Base(string container, string version) => container.EndsWith("-" + Suffix(version), StringComparison.Ordinal) ? container[..^(Suffix(version).Length + 1)] : container;

    // A container takes lower-case letters, digits and single hyphens.
    private static string Suffix(string version) =>
        string.Join('-', new string([.. version.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]).Split('-', StringSplitOptions.RemoveEmptyEntries)) is { Length: > 0 } suffix
            ? suffix : throw new SettingException($"--version {version} has no letter or digit; give one such as v2.");

    internal static string Version(IConfiguration settings) => settings[Names.PipelineVersion] is { Length: > 0 } version ? version : "v1";

    internal static string Container(IConfiguration settings) => settings[Names.LakeContainer] is { Length: > 0 } container ? container : "lake";

    private static void CheckStorage()
    {
        if (RunSettings.GivenStorage() is not null)
            throw new SettingException("AzureWebJobsStorage names a storage account, and the entities of what runs on it are elsewhere; there, deploy the new version beside the old one (docs/corrections.md).");
    }

    private static Option<bool> MainOnlyOption() => new("--main-only") { Description = "Swap although other topics were read, whose tables the new version does not have" };

    private static Option<string> VersionOption() => new("--version") { Description = "PipelineVersion to compute, such as v2; its tables lie in a container of its own", Required = true, HelpName = "V" };
}
