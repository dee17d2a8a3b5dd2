using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Triggers;

/// <summary>Brings tables, results and entities up to date, on a schedule.</summary>
public sealed class TickFunction
{
    private readonly TickRunner _runner;

    /// <summary>Made by the host.</summary>
    public TickFunction(TickRunner runner) => _runner = runner;

    /// <summary>One tick.</summary>
    [Function("Tick")]
    public Task RunAsync(
        [TimerTrigger("%" + Settings.Names.TickSchedule + "%", UseMonitor = false)] TimerInfo timer,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) => _runner.RunAsync(client, context.CancellationToken);
}
