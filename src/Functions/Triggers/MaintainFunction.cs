using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Lake;

namespace Tidemark.Functions.Triggers;

/// <summary>Keeps the Delta tables in shape, on a schedule: packs small files, checkpoints, removes what no version needs.</summary>
public sealed class MaintainFunction
{
    private readonly LakeMaintenance _maintenance;
    private readonly Preparation _preparation;

    /// <summary>Made by the host.</summary>
    public MaintainFunction(LakeMaintenance maintenance, Preparation preparation) => (_maintenance, _preparation) = (maintenance, preparation);

    /// <summary>One round over all tables. It fails, after all of them, when one did: the run shows as failed, and the alerts say why.</summary>
    [Function("Maintain")]
    public async Task RunAsync([TimerTrigger("%" + Settings.Names.MaintainSchedule + "%")] TimerInfo timer, FunctionContext context)
    {
        await _preparation.EnsureAsync(context.CancellationToken);
        var failures = new List<Exception>();
        await foreach (var table in _maintenance.RunAsync(_maintenance.Tables, context.CancellationToken))
            if (table.Failure is { } failure)
                failures.Add(new InvalidOperationException($"Maintenance of {table.Table} failed: {failure.Message}", failure));
        if (failures.Count > 0)
            throw new AggregateException($"Maintenance failed for {failures.Count} of {_maintenance.Tables.Count} tables; the next round tries again.", failures);
    }
}
