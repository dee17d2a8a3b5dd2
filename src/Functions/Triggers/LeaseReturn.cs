using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Triggers;

/// <summary>Gives back the leases of ticks when the process ends in order: whoever comes next goes on at once. Where that fails, they end by themselves.</summary>
/// <param name="sources">The topics; made where a function was run at all.</param>
/// <param name="logger">Where trouble goes.</param>
internal sealed class LeaseReturn(Lazy<HostedSources> sources, ILogger<LeaseReturn> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancel) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancel)
    {
        if (!sources.IsValueCreated)
            return;
        try
        {
            await Task.WhenAll(sources.Value.All.Select(source => source.Runner.LeaveAsync(cancel)));
        }
        catch (Exception e) when (e is Azure.RequestFailedException or AggregateException or IOException or OperationCanceledException)
        {
            logger.LogDebug("A lease was not given back and ends by itself: {Reason}", e.Message.Split('\n')[0]);
        }
    }
}
