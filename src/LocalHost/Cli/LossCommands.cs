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
            foreach (var source in services.GetRequiredService<HostedSources>().All)
            {
                foreach (var (partition, loss) in await Losses.ReadAsync(source.Ledger, cancel))
                    output.WriteLine($"{source.Name}: partition {partition} {Text($"stands before offsets {loss.From} to {loss.To - 1}")}");
                var partitions = (await source.Ledger.ReadMetaAsync(cancel))?.Value.Starts.Keys.ToList() ?? [];
                foreach (var gap in (await source.Ledger.ReadGapsAsync(partitions, cancel)).OrderBy(gap => (gap.Partition, gap.From)))
                    output.WriteLine($"{source.Name}: partition {gap.Partition} {Text($"passed offsets {gap.From} to {gap.To - 1}")}, {CliValues.Text(gap.DetectedMs)}");
            }

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
            var all = services.GetRequiredService<HostedSources>().All;
            if (parsed.GetValue(topic) is { } wanted && !all.Any(source => source.Name == wanted))
                throw new SettingException($"--topic {wanted} is none of those that are read: {string.Join(", ", all.Select(source => source.Name))}.");
            var accepted = 0;
            foreach (var source in all.Where(source => parsed.GetValue(topic) is not { } name || source.Name == name))
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

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
