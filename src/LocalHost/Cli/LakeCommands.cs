using System.CommandLine;
using System.Globalization;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>export</c>, <c>show</c> and <c>history</c>: the Delta tables of a data directory, whether a pipeline runs on it or not.</summary>
internal static class LakeCommands
{
    public static Command Export(TextWriter output, TextWriter errors)
    {
        var table = TableArgument();
        var target = new Argument<string>("DIR") { Description = "Folder that will hold the table: _delta_log and its files" };
        var data = RunCommand.DataOption();
        var command = new Command("export", "Write a Delta table's files with its log to a folder") { table, target, data };
        command.SetAction((parsed, stop) => WithLakeAsync(parsed.GetValue(data)!, errors, async (lake, cancel) =>
        {
            var name = await KnownAsync(lake, parsed.GetValue(table)!, cancel);
            var folder = parsed.GetValue(target)!;
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
                throw new SettingException($"{folder} is not empty; name a new folder, so that no file of another export is left in it.");
            var files = await lake.ExportAsync(name, folder, cancel);
            output.WriteLine($"{name}: {CliValues.Count(files, "file")} in {folder}");
        }, stop));
        return command;
    }

    public static Command Show(TextWriter output, TextWriter errors)
    {
        var table = TableArgument();
        var version = new Option<long?>("--version") { Description = "The table as of this version", HelpName = "N" };
        var at = new Option<string?>("--at") { Description = "The table as it was at this time, e.g. 2026-03-01T09:30:00Z; UTC unless it says otherwise", HelpName = "TIME" };
        var limit = new Option<int>("--limit") { Description = "Most rows", DefaultValueFactory = _ => 100, HelpName = "N" };
        var data = RunCommand.DataOption();
        var command = new Command("show", "Print a Delta table's rows as JSON lines") { table, version, at, limit, data };
        command.SetAction((parsed, stop) =>
        {
            var moment = Moment(parsed.GetValue(version), parsed.GetValue(at));
            return WithLakeAsync(parsed.GetValue(data)!, errors, async (lake, cancel) =>
            {
                var left = Positive(parsed.GetValue(limit));
                await foreach (var batch in lake.ReadAsync(await KnownAsync(lake, parsed.GetValue(table)!, cancel), parsed.GetValue(version), moment, cancel))
                {
                    for (var row = 0; row < batch.RowCount; row++, left--)
                    {
                        if (left == 0)
                        {
                            await errors.WriteLineAsync($"There are more rows than {parsed.GetValue(limit)}; --limit N shows more.");
                            return;
                        }

                        output.WriteLine(RowText.Json(batch, row));
                    }
                }
            }, stop);
        });
        return command;
    }

    public static Command History(TextWriter output, TextWriter errors)
    {
        var table = TableArgument();
        var limit = new Option<int>("--limit") { Description = "Most versions", DefaultValueFactory = _ => 20, HelpName = "N" };
        var data = RunCommand.DataOption();
        var command = new Command("history", "Print what each version of a Delta table changed, the newest first") { table, limit, data };
        command.SetAction((parsed, stop) => WithLakeAsync(parsed.GetValue(data)!, errors, async (lake, cancel) =>
        {
            await foreach (var line in lake.HistoryAsync(await KnownAsync(lake, parsed.GetValue(table)!, cancel), Positive(parsed.GetValue(limit)), cancel))
                output.WriteLine(line);
        }, stop));
        return command;
    }

    private static DateTimeOffset? Moment(long? version, string? text)
    {
        if (version is not null && text is not null)
            throw new SettingException("--version and --at each name a version; give one of them.");
        if (version < 0)
            throw new SettingException($"--version {version} makes no sense; versions begin at 0.");
        if (text is null)
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : throw new SettingException(
            $"--at {text} is no time; write it as 2026-03-01T09:30:00Z.");
    }

    private static int Positive(int limit) => limit > 0 ? limit : throw new SettingException($"--limit {limit} makes no sense; give a number above 0.");

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

    private static async Task<int> WithLakeAsync(string folder, TextWriter errors, Func<LakeReader, CancellationToken, Task> use, CancellationToken cancel)
    {
        await DataServices.UseAsync(folder, needsTables: false, errors, (settings, limited) => use(LakeReader.Of(settings), limited), cancel);
        return ExitCodes.Success;
    }
}
