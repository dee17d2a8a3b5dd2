using System.CommandLine;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>export</c> and <c>show</c>: the Delta tables of a data directory, whether a pipeline runs on it or not.</summary>
internal static class LakeCommands
{
    public static Command Export(TextWriter output)
    {
        var table = TableArgument();
        var target = new Argument<string>("DIR") { Description = "Folder that will hold the table: _delta_log and its files" };
        var data = RunCommand.DataOption();
        var command = new Command("export", "Write a Delta table's files with its log to a folder") { table, target, data };
        command.SetAction((parsed, cancel) => WithLakeAsync(parsed.GetValue(data)!, async lake =>
        {
            var name = await KnownAsync(lake, parsed.GetValue(table)!, cancel);
            var folder = parsed.GetValue(target)!;
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
                throw new SettingException($"{folder} is not empty; name a new folder, so that no file of another export is left in it.");
            var files = await lake.ExportAsync(name, folder, cancel);
            output.WriteLine($"{name}: {files} files in {folder}");
        }, cancel));
        return command;
    }

    public static Command Show(TextWriter output)
    {
        var table = TableArgument();
        var limit = new Option<int>("--limit") { Description = "Most rows", DefaultValueFactory = _ => 100, HelpName = "N" };
        var data = RunCommand.DataOption();
        var command = new Command("show", "Print a Delta table's rows as JSON lines") { table, limit, data };
        command.SetAction((parsed, cancel) => WithLakeAsync(parsed.GetValue(data)!, async lake =>
        {
            var left = parsed.GetValue(limit);
            await foreach (var batch in lake.ReadAsync(await KnownAsync(lake, parsed.GetValue(table)!, cancel), cancel))
            {
                for (var row = 0; row < batch.RowCount && left > 0; row++, left--)
                    output.WriteLine(RowText.Json(batch, row));
                if (left == 0)
                    break;
            }
        }, cancel));
        return command;
    }

    private static Argument<string> TableArgument() => new("TABLE") { Description = "Table, such as gold/category_views" };

    private static async Task<string> KnownAsync(LakeReader lake, string table, CancellationToken cancel)
    {
        var tables = await lake.TablesAsync(cancel);
        if (tables.Contains(table))
            return table;
        // The last part alone is enough where it is unmistakable.
        return tables.Where(t => t.EndsWith("/" + table, StringComparison.Ordinal)).ToList() is [var only] ? only : throw new SettingException(
            tables.Count == 0 ? $"There is no table {table}: nothing has been committed here yet." : $"There is no table {table}; there are {string.Join(", ", tables)}.");
    }

    private static async Task<int> WithLakeAsync(string folder, Func<LakeReader, Task> use, CancellationToken cancel)
    {
        var settings = RunSettings.Read(new RunOptions());
        var container = settings["LakeContainer"] ?? "lake";
        if (settings["LakeConnection"] is { Length: > 0 } own)
        {
            await use(new LakeReader(own, container));
        }
        else if (RunSettings.GivenStorage() is { } given)
        {
            await use(new LakeReader(given, container));
        }
        else
        {
            await WithAzuriteAsync(Path.GetFullPath(folder), async azurite => await use(new LakeReader(azurite.ConnectionString(), container)), cancel);
        }

        return ExitCodes.Success;
    }

    private static async Task WithAzuriteAsync(string folder, Func<AzuriteInfo, Task> use, CancellationToken cancel)
    {
        if (!DataDirectory.IsOurs(folder))
            throw new SettingException($"--data {folder} is no data directory of Tidemark; name the one that a run used.");
        if (AzuriteInfo.Find(folder) is { } running)
        {
            await use(running);
            return;
        }

        using var data = DataDirectory.Open(folder);
        var services = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
        try
        {
            await use(await services.EnsureAzuriteAsync(cancel));
        }
        finally
        {
            await services.EndAzuriteAsync();
        }
    }
}
