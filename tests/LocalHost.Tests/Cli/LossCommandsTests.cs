using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Tests.Cli;

/// <summary>Losses of a data directory, listed and accepted as the program does it.</summary>
public sealed class LossCommandsTests
{
    [Fact]
    public async Task A_loss_is_listed_until_it_is_accepted_and_nothing_else_is()
    {
        using var folder = new TestFolder();
        using var data = DataDirectory.Open(folder.Path);
        var local = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
        try
        {
            await local.EnsureAzuriteAsync(CancellationToken.None);
            await OnLedgerAsync(folder.Path, _ => Task.CompletedTask);
            Assert.Equal(["no record was lost before it was read"], (await RunAsync("losses", "list", "--data", folder.Path)).Output);
            await OnLedgerAsync(folder.Path, async ledger =>
            {
                await ledger.TryWriteMetaAsync(new Meta(new Dictionary<int, long> { [0] = 0, [1] = 0, [2] = 0 }, null, false, false), null, default);
                await ledger.TryInsertHeadAsync(0, new Head(120, null, null, 0) { Loss = new Loss(120, 150) }, default);
                await ledger.TryInsertHeadAsync(1, new Head(70, null, null, 0), default);
                await ledger.TryInsertHeadAsync(2, new Head(90, null, null, 0) { Loss = new Loss(30, 90) }, default);
            });

            Assert.Equal(
                ["events: partition 0 stands before offsets 120 to 149", "events: partition 2 stands before offsets 30 to 89"], (await RunAsync("losses", "list", "--data", folder.Path)).Output);
            var (code, output, errors) = await RunAsync("losses", "accept", "--topic", "orders", "--data", folder.Path);
            Assert.Equal((ExitCodes.BadSetting, 0), (code, output.Length));
            Assert.Equal("--topic orders is none of those that are read: events, sensors, purchases.", Assert.Single(errors));
            Assert.Equal("--partition 1: it stands before no loss; ./run losses list prints those that do.", await RefusedAsync("losses", "accept", "--partition", "1", "--data", folder.Path));
            Assert.Equal("--partition 99: nothing was read of such a partition of events or sensors or purchases; ./run losses list prints the losses.", await RefusedAsync("losses", "accept", "--partition", "99", "--data", folder.Path));
            Assert.Equal(
                ["events: partition 0 goes on behind offset 149; offsets 120 to 149 are lost"], (await RunAsync("losses", "accept", "--topic", "events", "--partition", "0", "--data", folder.Path)).Output);
            Assert.Equal(["events: partition 2 stands before offsets 30 to 89"], (await RunAsync("losses", "list", "--data", folder.Path)).Output);
            await OnLedgerAsync(folder.Path, async ledger =>
            {
                Assert.Equal(new Head(120, null, null, 0) { LossAcceptedTo = 150 }, (await ledger.ReadHeadAsync(0, default))!.Value.Value);
                Assert.Equal(new Loss(30, 90), (await ledger.ReadHeadAsync(2, default))!.Value.Value.Loss);
            });
        }
        finally
        {
            await local.EndAsync();
        }
    }

    private static async Task<string> RefusedAsync(params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(arguments);
        Assert.Equal((ExitCodes.BadSetting, 0), (code, output.Length));
        return Assert.Single(errors);
    }

    private static Task OnLedgerAsync(string folder, Func<ILedger, Task> use) => DataServices.UseAsync(folder, TextWriter.Null, async (services, _) =>
    {
        await services.GetRequiredService<TableServiceClient>().GetTableClient(services.GetRequiredService<TidemarkOptions>().LedgerTable).CreateIfNotExistsAsync();
        await use(services.GetRequiredService<HostedSources>().Main.Ledger);
        return ExitCodes.Success;
    }, CancellationToken.None);

    private static async Task<(int Code, string[] Output, string[] Errors)> RunAsync(params string[] arguments)
    {
        using StringWriter output = new(), errors = new();
        var code = await CommandLine.RunAsync(arguments, output, errors);
        return (code, Lines(output), Lines(errors));
    }

    private static string[] Lines(StringWriter text) => text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
