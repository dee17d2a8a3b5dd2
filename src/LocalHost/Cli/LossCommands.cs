using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>losses list</c> and <c>losses accept</c>: records that Kafka lost before they were read, and partitions that stand before them.</summary>
internal static class LossCommands
{
    public static Command Create(TextWriter output, TextWriter errors) =>
        new("losses", "Records that Kafka lost before they were read") { List(output, errors), Accept(output, errors) };

    private static Command List(TextWriter output, TextWriter errors)
    {
        var data = RunCommand.DataOption();
        var command = new Command("list", "Print the losses that partitions stand before (OnDataLoss = stop), and those that were passed") { data };
        command.SetAction((parsed, stop) => DataServices.UseAsync(parsed.GetValue(data)!, errors, async (services, cancel) =>
        {
            var lines = new List<string>();
            foreach (var source in Topics(services))
            {
                foreach (var (partition, loss) in await Losses.ReadAsync(source.Ledger, cancel))
                    lines.Add($"{source.Name}: partition {partition} {Text($"stands before offsets {loss.From} to {loss.To - 1}")}");
                foreach (var gap in (await source.Ledger.ReadGapsAsync(await PartitionsAsync(source, cancel), cancel)).OrderBy(gap => (gap.Partition, gap.From)))
                    lines.Add($"{source.Name}: partition {gap.Partition} {Text($"passed offsets {gap.From} to {gap.To - 1}")}, {CliValues.Text(gap.DetectedMs)}");
            }

            foreach (var line in lines)
                output.WriteLine(line);
            if (lines.Count == 0)
                output.WriteLine("no record was lost before it was read");
            return ExitCodes.Success;
        }, stop));
        return command;
    }

    private static Command Accept(TextWriter output, TextWriter errors)
    {
        var topic = new Option<string?>("--topic") { Description = "Only of this topic", HelpName = $"{HostedPipelines.Main}|{HostedPipelines.Sensors}|{HostedPipelines.Purchases}" };
        var partition = new Option<int?>("--partition") { Description = "Only this partition", HelpName = "N" };
        var data = RunCommand.DataOption();
        var command = new Command("accept", "Let partitions that stand before a loss go on behind it, without what is lost") { topic, partition, data };
        command.SetAction((parsed, stop) => DataServices.UseAsync(parsed.GetValue(data)!, errors, async (services, cancel) =>
        {
            var sources = Wanted(Topics(services), parsed.GetValue(topic));
            if (parsed.GetValue(partition) is { } only)
                await CheckAsync(sources, only, cancel);
            var accepted = 0;
            foreach (var source in sources)
                foreach (var standing in (await Losses.ReadAsync(source.Ledger, cancel)).Keys.Where(p => parsed.GetValue(partition) is not { } only || p == only))
                    if (await Losses.AcceptAsync(source.Ledger, standing, cancel) is { } loss)
                    {
                        output.WriteLine($"{source.Name}: partition {standing} {Text($"goes on behind offset {loss.To - 1}; offsets {loss.From} to {loss.To - 1} are lost")}");
                        accepted++;
                    }

            if (accepted == 0)
                output.WriteLine("no partition stands before a loss");
            return ExitCodes.Success;
        }, stop));
        return command;
    }

    /// <summary>What reads a topic; what joins two has nothing to lose.</summary>
    private static List<HostedSource> Topics(IServiceProvider services) => [.. services.GetRequiredService<HostedSources>().All.Where(source => source.Hosted.Kafka is not null)];

    private static List<HostedSource> Wanted(List<HostedSource> all, string? topic) =>
        topic is null ? all
        : all.Where(source => source.Name == topic).ToList() is { Count: > 0 } named ? named
        : throw new SettingException($"--topic {topic} is none of those that are read: {string.Join(", ", all.Select(source => source.Name))}.");

    /// <summary>A partition that is named must stand before a loss.</summary>
    private static async Task CheckAsync(List<HostedSource> sources, int partition, CancellationToken cancel)
    {
        var isThere = false;
        foreach (var source in sources)
        {
            if ((await Losses.ReadAsync(source.Ledger, cancel)).ContainsKey(partition))
                return;
            isThere |= (await PartitionsAsync(source, cancel)).Contains(partition);
        }

        var named = Text($"--partition {partition}: ");
        var topics = string.Join(" or ", sources.Select(source => source.Name));
        throw new SettingException(isThere
            ? $"{named}it stands before no loss; ./run losses list prints those that do."
            : $"{named}nothing was read of such a partition of {topics}; ./run losses list prints the losses.");
    }

    private static async Task<List<int>> PartitionsAsync(HostedSource source, CancellationToken cancel) => [.. (await source.Ledger.ReadMetaAsync(cancel))?.Value.Starts.Keys ?? []];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
