using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Triggers;

/// <summary>Brings tables, results and entities up to date, on a schedule.</summary>
public sealed class TickFunction
{
    /// <summary>An invocation stays short, whatever there is to do.</summary>
    private const int MostRounds = 10;

    private readonly HostedSources _sources;

    /// <summary>Made by the host.</summary>
    public TickFunction(HostedSources sources) => _sources = sources;

    /// <summary>
    /// One tick of every topic, one after the other; at the end of a bounded input several, as long as they get on. One that fails keeps none of the others from its
    /// own; the run fails when all have had their turn.
    /// </summary>
    [Function("Tick")]
    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails with one topic must not keep the others from being brought up to date; it is thrown at the end.")]
    public async Task RunAsync(
        [TimerTrigger("%" + Settings.Names.TickSchedule + "%", UseMonitor = false)] TimerInfo timer,
        [DurableClient] DurableTaskClient client,
        FunctionContext context)
    {
        var failures = new List<Exception>();
        var advances = true;
        for (var round = 0; round < MostRounds && advances && failures.Count == 0; round++)
        {
            advances = false;
            foreach (var source in _sources.All)
            {
                try
                {
                    advances |= await source.Runner.AdvanceAsync(client, context.CancellationToken);
                }
                catch (Exception e) when (!context.CancellationToken.IsCancellationRequested)
                {
                    failures.Add(e);
                }
            }
        }

        if (failures is [var only])
            ExceptionDispatchInfo.Throw(only);
        if (failures.Count > 1)
            throw new AggregateException($"The ticks of {failures.Count} topics failed.", failures);
    }
}
