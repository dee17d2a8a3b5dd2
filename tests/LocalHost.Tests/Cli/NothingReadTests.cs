using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions.Triggers;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Tests.Cli;

/// <summary>Every command on a data directory on which a run was started and nothing was read: before it made any table, and after.</summary>
public sealed class NothingReadTests
{
    private const string Nothing = "Nothing has been committed here yet, since no record was ever read: wait if a run has only just started on it, start ./run with this --data, or name the folder that a run used.";

    [Fact]
    public async Task Commands_say_that_nothing_is_there_and_doctor_that_it_should_be_looked_at()
    {
        using var folder = new TestFolder();
        using var data = DataDirectory.Open(folder.Path);
        var local = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
        try
        {
            await local.EnsureAzuriteAsync(CancellationToken.None);
            foreach (var command in (string[])["maintain", "vacuum", "vacuum --dry-run"])
                Assert.Equal($"nothing to {(command == "maintain" ? command : "remove")}: no table is here yet", await ToldAsync(folder.Path, command));
            Assert.Equal("nothing to remove: gold/demand is not here yet", await ToldAsync(folder.Path, "vacuum gold/demand"));
            foreach (var command in (string[])["show gold/demand", "history gold/demand"])
                Assert.Equal("There is no table gold/demand: nothing has been committed here yet.", await RefusedAsync(folder.Path, command));
            await AreRefusedAsync(folder.Path);

            await DataServices.UseAsync(folder.Path, TextWriter.Null, async (services, cancel) =>
            {
                await services.GetRequiredService<Preparation>().EnsureAsync(cancel);
                return ExitCodes.Success;
            }, CancellationToken.None);
            await AreRefusedAsync(folder.Path);
        }
        finally
        {
            await local.EndAsync();
        }
    }

    private static async Task AreRefusedAsync(string folder)
    {
        foreach (var command in (string[])
            [
                "late list", "windows reopen", "windows reopen --dry-run", "explain category_views --window 2026-03-01T09:00:00Z --key x", "explain --event e1", "dlq list", "dlq replay --all --kafka localhost:9092",
                "replay --version v2", "swap --version v2",
            ])
            Assert.Equal(Nothing, await RefusedAsync(folder, command));
        foreach (var command in (string[])["losses list", "losses accept"])
            Assert.StartsWith("no ", await ToldAsync(folder, command), StringComparison.Ordinal);
        var (code, output, _) = await RunAsync(folder, "doctor");
        Assert.Equal(ExitCodes.Warning, code);
        Assert.Contains(output, line => line.StartsWith("warning", StringComparison.Ordinal) && line.Contains("No record was ever read here.", StringComparison.Ordinal));
    }

    private static async Task<string> RefusedAsync(string folder, string command)
    {
        var (code, output, errors) = await RunAsync(folder, command);
        Assert.True(code == ExitCodes.BadSetting && output.Length == 0, $"{command} ended with {code}: {string.Join('\n', output.Concat(errors))}");
        return Assert.Single(errors);
    }

    private static async Task<string> ToldAsync(string folder, string command)
    {
        var (code, output, errors) = await RunAsync(folder, command);
        Assert.True(code == ExitCodes.Success && errors.Length == 0, $"{command} ended with {code}: {string.Join('\n', output.Concat(errors))}");
        return Assert.Single(output);
    }

    private static async Task<(int Code, string[] Output, string[] Errors)> RunAsync(string folder, string command)
    {
        using StringWriter output = new(), errors = new();
        var code = await CommandLine.RunAsync([.. command.Split(' '), "--data", folder], output, errors);
        return (code, Lines(output), Lines(errors));
    }

    private static string[] Lines(StringWriter text) => text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
