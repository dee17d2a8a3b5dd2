using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>Whether a record was ever read, for commands that have nothing to look at before. A run that has only begun may have made all tables, or none.</summary>
internal static class EverRead
{
    /// <exception cref="SettingException">Nothing was ever read.</exception>
    public static async Task RequireAsync(IServiceProvider services, CancellationToken cancel)
    {
        if ((await TopicsAsync(services.GetRequiredService<HostedSources>(), cancel)).Count == 0)
            throw new SettingException("Nothing has been committed here yet, since no record was ever read: wait if a run has only just started on it, start ./run with this --data, or name the folder that a run used.");
    }

    /// <summary>The topics of which something was.</summary>
    public static async Task<IReadOnlyList<string>> TopicsAsync(HostedSources sources, CancellationToken cancel)
    {
        var read = new List<string>();
        foreach (var source in sources.All.Where(source => source.Hosted.Kafka is not null))
            if (await IsReadAsync(source, cancel))
                read.Add(source.Name);
        return read;
    }

    private static async Task<bool> IsReadAsync(HostedSource source, CancellationToken cancel)
    {
        foreach (var (partition, start) in (await source.Ledger.ReadMetaAsync(cancel))?.Value.Starts ?? new Dictionary<int, long>())
            if ((await source.Ledger.ReadHeadAsync(partition, cancel))?.Value.Next > start)
                return true;
        return false;
    }
}
