using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Invocation;

namespace Tidemark.LocalHost.Kafka;

/// <summary>
/// Runs a function over a batch and decides what is committed. Inside one execution the function's own retry policy runs; after it failed
/// for good, commitOnFailure commits all the same, else the batch is executed again in place up to maxRetries times and then passed over with
/// an error in the log.
/// </summary>
internal sealed class KafkaBatchRunner(FunctionRunner function, KafkaTriggerOptions options, Action<IReadOnlyDictionary<int, long>> store, ILogger logger)
{
    private long processed;

    /// <summary>Records in executions that succeeded.</summary>
    public long Processed => Interlocked.Read(ref processed);

    /// <param name="batch">Records of any partitions in consume order.</param>
    /// <param name="stopping">Signalled when the host stops: no further execution begins.</param>
    /// <param name="cancel">Given to the function; signalled when it must end now. Nothing is stored then.</param>
    public Task RunAsync(KafkaRecord[] batch, CancellationToken stopping, CancellationToken cancel) =>
        function.Function.TriggerParameter.ParameterType == typeof(KafkaRecord[])
            ? RunAsync(batch, batch, stopping, cancel)
            : Task.WhenAll(batch.GroupBy(r => r.Partition).Select(p => RunInOrderAsync(p, stopping, cancel)));

    private async Task RunInOrderAsync(IEnumerable<KafkaRecord> partition, CancellationToken stopping, CancellationToken cancel)
    {
        foreach (var record in partition)
        {
            if (!await RunAsync(record, [record], stopping, cancel))
                return;
        }
    }

    /// <returns>Whether the records were committed.</returns>
    private async Task<bool> RunAsync(object trigger, KafkaRecord[] records, CancellationToken stopping, CancellationToken cancel)
    {
        for (var executions = 1; ; executions++)
        {
            try
            {
                if (await function.RunAsync(trigger, stopping, cancel) && !cancel.IsCancellationRequested)
                {
                    Interlocked.Add(ref processed, records.Length);
                    store(NextOffsets(records));
                    return true;
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested || stopping.IsCancellationRequested)
            {
                return false;
            }

            if (cancel.IsCancellationRequested)
                return false;
            if (!options.CommitOnFailure && !Exhausted(executions, records))
            {
                if (stopping.IsCancellationRequested)
                    return false;
                continue;
            }

            store(NextOffsets(records));
            return true;
        }
    }

    private bool Exhausted(int executions, KafkaRecord[] records)
    {
        if (options.MaxRetries < 0 || executions <= options.MaxRetries)
            return false;
        logger.LogError(
            "{Function}: maxRetries {MaxRetries} exceeded; {Count} records of {Topic} are passed over: {Offsets}",
            function.Function.Name, options.MaxRetries, records.Length, records[0].Topic, string.Join(", ", NextOffsets(records).Select(p => $"partition {p.Key} before offset {p.Value}")));
        return true;
    }

    /// <summary>Per partition the offset after the last record. In consume order the last one counts, which after a rebalance may not be the greatest.</summary>
    private static Dictionary<int, long> NextOffsets(KafkaRecord[] records)
    {
        var next = new Dictionary<int, long>();
        var partition = -1;
        for (var i = records.Length - 1; i >= 0; i--)
        {
            if (records[i].Partition == partition)
                continue;
            partition = records[i].Partition;
            next.TryAdd(partition, records[i].Offset + 1);
        }

        return next;
    }
}
