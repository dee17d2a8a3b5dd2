using Microsoft.Extensions.Configuration;
using Tidemark.Functions.Configuration;
using Tidemark.LocalHost.Processes;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Cli;

/// <summary>The storage of a data directory for commands that run beside a pipeline or without one.</summary>
internal static class DataServices
{
    /// <summary>
    /// Calls back with settings whose connections work: those named by the user, else of the directory's Azurite, the running one or one that is
    /// started and ended here. Work beside a run that keeps the storage busy is watched, see <see cref="StorageWatch"/>; its token says when it is given up.
    /// </summary>
    /// <param name="folder">The data directory; not looked at when real services are named.</param>
    /// <param name="needsTables">Whether the ledger is needed too, or only the lake.</param>
    /// <param name="errors">Where the user is told why it takes long.</param>
    /// <param name="use">The work.</param>
    /// <param name="cancel">Ends waiting.</param>
    public static async Task UseAsync(string folder, bool needsTables, TextWriter errors, Func<IConfigurationRoot, CancellationToken, Task> use, CancellationToken cancel)
    {
        var settings = RunSettings.Read(new RunOptions());
        var isNamed = StorageConnection.IsNamed(settings, Names.LakeConnection, "blob") && (!needsTables || StorageConnection.IsNamed(settings, Names.TablesConnection, "table"));
        if (isNamed || RunSettings.GivenStorage() is not null)
            await use(settings, cancel);
        else
            await WithAzuriteAsync(DataDirectory.Existing(folder), errors, use, cancel);
    }

    private static async Task WithAzuriteAsync(string folder, TextWriter errors, Func<IConfigurationRoot, CancellationToken, Task> use, CancellationToken cancel)
    {
        if (AzuriteInfo.Find(folder) is { } running)
        {
            if (DataDirectory.Owner(folder) is { } owner)
                await errors.WriteLineAsync($"A run is at work on {folder} (process {owner.Process.Id}); both share its storage, so this may take longer.");
            await new StorageWatch([running.BlobPort, running.TablePort], TimeProvider.System, errors).RunAsync(limited => use(Settings(running), limited), cancel);
            return;
        }

        using var data = DataDirectory.Open(folder);
        var services = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
        try
        {
            await use(Settings(await services.EnsureAzuriteAsync(cancel)), cancel);
        }
        finally
        {
            await services.EndAzuriteAsync();
        }
    }

    private static IConfigurationRoot Settings(AzuriteInfo azurite) => RunSettings.Build(new RunOptions(), usesEmulator: false, [new(RunSettings.Storage, azurite.ConnectionString())]);
}
