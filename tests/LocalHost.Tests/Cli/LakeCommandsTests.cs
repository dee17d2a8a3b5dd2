using Azure.Storage.Blobs;
using Tidemark.Delta;
using Tidemark.Functions.Lake;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Tests.Cli;

/// <summary>The commands on the tables of a data directory, called as the program calls them.</summary>
public sealed class LakeCommandsTests
{
    private const string Table = "gold/category_views";
    private static readonly TableSchema Schema = new([new TableField("n", DataType.Int64, true)]);

    [Fact]
    public async Task Versions_are_listed_shown_and_packed_on_a_directory_that_runs_and_on_one_that_rests()
    {
        using var folder = new TestFolder();
        using (var data = DataDirectory.Open(folder.Path))
        {
            var services = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
            try
            {
                var azurite = await services.EnsureAzuriteAsync(CancellationToken.None);
                var container = new BlobContainerClient(azurite.ConnectionString(), "lake");
                await container.CreateAsync();
                var delta = DeltaTable.Open(new BlobObjectStore(container), Table);
                await delta.CreateAsync(Schema);
                for (var n = 1; n <= 3; n++)
                    await delta.AppendAsync(new AppendRequest { Schema = Schema, Files = [await delta.WriteFileAsync(Rows(n))] });

                Assert.Equal(["""{"n":1}""", """{"n":2}"""], (await RunAsync("show", Table, "--version", "2", "--data", folder.Path)).Output.Order());
                Assert.Equal([$"{Table}: 3 files packed into 1, no checkpoint due, 0 log files and 0 data files removed"], (await RunAsync("maintain", "--data", folder.Path)).Output);
                Assert.Equal([$"{Table}: 0 files (0 bytes) would be removed"], (await RunAsync("vacuum", Table, "--dry-run", "--data", folder.Path)).Output);
            }
            finally
            {
                await services.EndAsync();
            }
        }

        var history = (await RunAsync("history", "category_views", "--limit", "2", "--data", folder.Path)).Output;
        Assert.Equal(["4", "3"], history.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]));
        Assert.Equal(["OPTIMIZE", "WRITE"], history.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2]));
        Assert.Equal(3, (await RunAsync("show", Table, "--at", "2999-01-01", "--data", folder.Path)).Output.Length);
    }

    [Theory]
    [InlineData(ExitCodes.BadSetting, "168", "vacuum", "--retention-hours", "167")]
    [InlineData(ExitCodes.BadSetting, "--at", "show", "silver/late", "--at", "yesterday")]
    [InlineData(ExitCodes.BadSetting, "--version", "show", "silver/late", "--at", "2026-01-01", "--version", "1")]
    [InlineData(ExitCodes.BadSetting, "--version", "show", "silver/late", "--version", "-1")]
    [InlineData(ExitCodes.BadSetting, "--data", "maintain", "silver/late")]
    [InlineData(ExitCodes.BadSetting, "--since", "late", "list", "--since", "lately")]
    [InlineData(ExitCodes.BadSetting, "--from", "windows", "reopen", "--window", "2026-01-01", "--from", "2026-01-01")]
    [InlineData(ExitCodes.BadSetting, "--all", "windows", "reopen", "--all")]
    [InlineData(ExitCodes.BadSetting, "--event", "explain")]
    [InlineData(ExitCodes.BadSetting, "--window", "explain", "category_views")]
    [InlineData(ExitCodes.BadSetting, "--from", "replay", "--version", "v2", "--from", "silver")]
    [InlineData(ExitCodes.BadSetting, "--version", "swap")]
    public async Task What_makes_no_sense_is_one_sentence_that_names_it(int code, string named, params string[] arguments)
    {
        using var folder = new TestFolder();
        var (ended, output, errors) = await RunAsync([.. arguments, "--data", folder.Path]);
        Assert.Equal(code, ended);
        Assert.Empty(output);
        Assert.Contains(named, Assert.Single(errors));
    }

    private static RecordBatch Rows(long n) => new(Schema, [new Int64Column([n], 1)], 1);

    private static async Task<(int Code, string[] Output, string[] Errors)> RunAsync(params string[] arguments)
    {
        using StringWriter output = new(), errors = new();
        var code = await CommandLine.RunAsync(arguments, output, errors);
        return (code, Lines(output), Lines(errors));
    }

    private static string[] Lines(StringWriter text) => text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
