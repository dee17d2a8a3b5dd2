using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Lake;
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
        var start = new Option<string[]>("--start")
        {
            Description = "Where a new replay starts: a time (of Kafka), or offsets as 0:1200,1:900 of the main topic; for another topic purchases=WHERE; else at the beginning. May be given several times", HelpName = "[NAME=]WHERE",
        };
        var swap = new Option<bool>("--swap") { Description = "Show the new version at the end, as swap does" };
        var without = WithoutOption();
        var data = RunCommand.DataOption();
        var command = new Command("replay", "Compute all tables of every topic that was read anew under another version beside the present one; the same again goes on") { version, from, start, swap, without, data };
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
                    var (present, next) = Versions(settings, parsed.GetValue(version)!, folder);
                    if (Generation.Read(folder)?.First?.Version == Version(next))
                        throw new SettingException($"--version {Version(next)} is the version that this folder began with, and is computed already; ./run swap --version {Version(next)} shows it.");
                    await using (var services = ReplaySession.Services(present))
                        await EverRead.RequireAsync(services, limited);
                    await using var run = await ReplaySession.StartAsync(folder, present, next, source, output, errors, limited);
                    var lost = await run.LostAsync(limited);
                    if (parsed.GetValue(swap))
                        lost.Check(parsed.GetValue(without) ?? []);
                    foreach (var sentence in lost.Sentences())
                        errors.WriteLine(sentence);
                    await run.RunAsync(parsed.GetValue(start) ?? [], limited);
                }, stop.Token);
            }
            catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
            {
                output.WriteLine("stopped; the same command goes on from here");
                return stop.Signal == System.Runtime.InteropServices.PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated;
            }

            return parsed.GetValue(swap) ? await SwapAsync(folder, parsed.GetValue(version)!, parsed.GetValue(without) ?? [], output, errors, CancellationToken.None) : ExitCodes.Success;
        });
        return command;
    }

    public static Command Swap(TextWriter output, TextWriter errors)
    {
        var version = VersionOption();
        var without = WithoutOption();
        var data = RunCommand.DataOption();
        var command = new Command("swap", "Let the data directory show a version that a replay has computed, or the one that it began with: run, show, status and the page go on with it") { version, without, data };
        command.SetAction((parsed, cancel) =>
        {
            CheckStorage();
            return SwapAsync(parsed.GetValue(data)!, parsed.GetValue(version)!, parsed.GetValue(without) ?? [], output, errors, cancel);
        });
        return command;
    }

    private static async Task<int> SwapAsync(string folder, string version, IReadOnlyList<string> without, TextWriter output, TextWriter errors, CancellationToken cancel)
    {
        await DataServices.UseAsync(folder, needsTables: true, errors, async (settings, limited) =>
        {
            var (present, next) = Versions(settings, version, folder);
            // Taken by DataServices where nothing runs; a pipeline that runs would go on with the version that it began with.
            if (DataDirectory.Owner(folder) is { } owner && owner.Process != ProcessIdentity.Current)
                throw new DirectoryInUseException(Path.GetFullPath(folder), owner);
            await CheckAsync(present, next, limited);
            (await LostTables.FindAsync(present, next, await LakeReader.Of(next).TablesAsync(limited), limited)).Check(without);
            var shown = Generation.Read(folder);
            var first = shown is null ? new FirstVersion(Version(present), Container(present)) : shown.First;
            if (first == new FirstVersion(Version(next), Container(next)))
                Generation.Forget(folder);
            else
                new Generation(Version(next), Container(next), first).Write(folder);
            output.WriteLine($"{Path.GetFullPath(folder)} shows version {next[Names.PipelineVersion]} in container {next[Names.LakeContainer]} from now on; before it was {Version(present)} in {Container(present)}, which stays as it is");
        }, cancel);
        return ExitCodes.Success;
    }

    /// <summary>The new version must have everything that the present one has: what Kafka does not hold any more could never be read again.</summary>
    private static async Task CheckAsync(IConfigurationRoot present, IConfigurationRoot next, CancellationToken cancel)
    {
        await using var old = ReplaySession.Services(present);
        await using var anew = ReplaySession.Services(next);
        await EverRead.RequireAsync(old, cancel);
        var replayed = anew.GetRequiredService<HostedSources>();
        if (await replayed.Main.Ledger.ReadMetaAsync(cancel) is null || !await LakeReader.Of(next).HasAsync(replayed.Main.Hosted.Pipeline.Tables[0].Name, cancel))
            throw new SettingException($"There is no version {Version(next)} here; compute it with ./run replay --version {Version(next)}.");
        foreach (var source in old.GetRequiredService<HostedSources>().All.Where(source => source.Hosted.Kafka is not null))
            await CheckAsync(source, replayed[source.Name], Version(next), cancel);
    }

    private static async Task CheckAsync(HostedSource old, HostedSource anew, string version, CancellationToken cancel)
    {
        var meta = await old.Ledger.ReadMetaAsync(cancel);
        foreach (var partition in meta?.Value.Starts.Keys.Order() ?? Enumerable.Empty<int>())
        {
            var (there, here) = ((await old.Ledger.ReadHeadAsync(partition, cancel))?.Value, (await anew.Ledger.ReadHeadAsync(partition, cancel))?.Value);
            if (there is not null && !(here?.Next >= there.Next))
                throw new InvalidOperationException($"Version {version} has read partition {partition} of {old.Hosted.Id.Topic} up to offset {here?.Next ?? 0}, the present one up to {there.Next}; run ./run replay --version {version} again first.");
        }

        if (meta?.Value.FrontierMs is { } frontier && !((await anew.Ledger.ReadMetaAsync(cancel))?.Value.FrontierMs >= frontier))
            throw new InvalidOperationException($"Event time of version {version} over {old.Hosted.Id.Topic} is behind that of the present one; run ./run replay --version {version} again first.");
    }

    private static (IConfigurationRoot Present, IConfigurationRoot Next) Versions(IConfigurationRoot settings, string version, string folder)
    {
        if (settings[RunSettings.Brokers] is not { Length: > 0 })
            settings[RunSettings.Brokers] = "localhost:9092";
        if (version == Version(settings))
            throw new SettingException($"--version {version} is the version that is shown; give another one.");
        var first = Generation.Read(folder)?.First;
        var container = version == first?.Version ? first.Container : $"{Base(Container(settings), Version(settings))}-{Suffix(version)}";
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

    private static Option<string[]> WithoutOption() => new("--without")
    {
        Description = "Show the version although it lacks this table, which has rows in the present one, such as gold/enriched_clickstream; may be given again", HelpName = "TABLE",
    };

    private static Option<string> VersionOption() => new("--version") { Description = "PipelineVersion to compute, such as v2; its tables lie in a container of its own", Required = true, HelpName = "V" };
}
