using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Delta;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Triggers;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>maintain</c> and <c>vacuum</c>: what the scheduled function does, by hand, whether a pipeline runs on the directory or not.</summary>
internal static class MaintenanceCommands
{
    // Readers and ticks under way, and files staged for a commit to come, are all younger than this.
    private const int LeastHours = 168;

    public static Command Maintain(TextWriter output, TextWriter errors)
    {
        var table = TableArgument();
        var data = RunCommand.DataOption();
        var command = new Command("maintain", "Pack small files, write checkpoints, and remove what no version of a Delta table needs; without TABLE also what Table storage holds longer than ResultsRetention") { table, data };
        command.SetAction((parsed, stop) => DataServices.UseAsync(parsed.GetValue(data)!, errors, async (services, cancel) =>
        {
            var maintenance = services.GetRequiredService<LakeMaintenance>();
            var (code, isAnyThere) = (ExitCodes.Success, false);
            await foreach (var done in maintenance.RunAsync(Chosen(maintenance, parsed.GetValue(table)), cancel))
            {
                isAnyThere = true;
                if (done.Failure is { } failure)
                {
                    errors.WriteLine($"{done.Table}: {failure.Message}");
                    code = ExitCodes.Failure;
                }
                else if (done.Result is { } result)
                {
                    var packed = result.Optimized switch
                    {
                        null => "nothing packed, another change was faster",
                        { FilesRemoved: 0 } => "nothing to pack",
                        var o => $"{o.FilesRemoved} files packed into {o.FilesAdded}",
                    };
                    var checkpoint = result.Checkpoint < 0 ? "no checkpoint due" : $"checkpoint {result.Checkpoint}";
                    output.WriteLine($"{done.Table}: {packed}, {checkpoint}, {result.LogFilesRemoved} log files and {result.Vacuumed.Files.Count} data files removed");
                }
            }

            if (!isAnyThere)
                output.WriteLine(Missing("maintain", parsed.GetValue(table)));
            if (parsed.GetValue(table) is null && isAnyThere)
                foreach (var results in services.GetRequiredService<IReadOnlyList<ResultRetention>>())
                    foreach (var (name, rows) in await results.RemoveAsync(MaintenanceRound.MostResultRows, cancel))
                        output.WriteLine($"results of {name}: {rows} rows removed that are older than ResultsRetention");
            return code;
        }, stop));
        return command;
    }

    public static Command Vacuum(TextWriter output, TextWriter errors)
    {
        var table = TableArgument();
        var dryRun = new Option<bool>("--dry-run") { Description = "Only list what would be removed" };
        var hours = new Option<double?>("--retention-hours")
        {
            Description = $"Keep files for this long after they are no longer needed; at least {LeastHours}, which is the default", HelpName = "N",
        };
        var data = RunCommand.DataOption();
        var command = new Command("vacuum", "Remove the files of a Delta table that no version needs") { table, dryRun, hours, data };
        command.SetAction((parsed, stop) =>
        {
            var retention = Retention(parsed.GetValue(hours));
            return DataServices.UseAsync(parsed.GetValue(data)!, errors, async (services, cancel) =>
            {
                var (maintenance, isAnyThere) = (services.GetRequiredService<LakeMaintenance>(), false);
                foreach (var name in Chosen(maintenance, parsed.GetValue(table)))
                {
                    if (await VacuumAsync(maintenance, name, retention, parsed.GetValue(dryRun), cancel) is not { } result)
                        continue;
                    isAnyThere = true;
                    foreach (var file in parsed.GetValue(dryRun) ? result.Files : [])
                        output.WriteLine($"{name}/{file}");
                    output.WriteLine($"{name}: {CliValues.Count(result.Files.Count, "file")} ({result.Bytes} bytes) {(parsed.GetValue(dryRun) ? "would be removed" : "removed")}");
                }

                if (!isAnyThere)
                    output.WriteLine(Missing("remove", parsed.GetValue(table)));
                return ExitCodes.Success;
            }, stop);
        });
        return command;
    }

    private static async Task<VacuumResult?> VacuumAsync(LakeMaintenance maintenance, string name, TimeSpan? retention, bool dryRun, CancellationToken cancel)
    {
        try
        {
            return await maintenance.VacuumAsync(name, retention, dryRun, cancel);
        }
        catch (ArgumentException e)
        {
            // The table's own retention is longer than what was asked for.
            throw new SettingException(e.Message);
        }
    }

    internal static TimeSpan? Retention(double? hours) => hours switch
    {
        null => null,
        >= LeastHours and <= 1_000_000 => TimeSpan.FromHours(hours.Value),
        _ => throw new SettingException($"--retention-hours {hours} is out of range; give at least {LeastHours} (7 days): younger files may belong to a reader or a commit under way."),
    };

    private static string Missing(string what, string? table) => $"nothing to {what}: {(table is null ? "no table is here yet" : $"{table} is not here yet")}";

    private static Argument<string?> TableArgument() => new("TABLE") { Description = "Table, such as gold/category_views; all of them when left out", Arity = ArgumentArity.ZeroOrOne };

    private static IReadOnlyList<string> Chosen(LakeMaintenance maintenance, string? table)
    {
        if (table is null)
            return maintenance.Tables;
        // The last part alone is enough where it is unmistakable.
        return maintenance.Tables.Where(t => t == table).Concat(maintenance.Tables.Where(t => t.EndsWith("/" + table, StringComparison.Ordinal))).ToList() is [var only]
            ? [only]
            : throw new SettingException($"There is no table {table}; there are {string.Join(", ", maintenance.Tables)}.");
    }
}
