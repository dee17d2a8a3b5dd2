using System.Collections.Concurrent;
using Microsoft.Azure.Functions.Worker;

namespace Tidemark.LocalHost.Tests;

/// <summary>What test functions saw, and how they are to behave. One per host.</summary>
public sealed class Recorder
{
    private readonly List<KafkaRecord[]> batches = [];
    private readonly Lock gate = new();

    /// <summary>Called with each batch before it counts as processed; throws to make the function fail.</summary>
    public Func<KafkaRecord[], FunctionContext, CancellationToken, Task> OnBatch { get; set; } = (_, _, _) => Task.CompletedTask;

    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>Batches whose function succeeded.</summary>
    public IReadOnlyList<KafkaRecord[]> Batches
    {
        get
        {
            lock (gate)
                return [.. batches];
        }
    }

    public int Records => Batches.Sum(b => b.Length);

    public async Task RunAsync(KafkaRecord[] records, FunctionContext context, CancellationToken cancel)
    {
        await OnBatch(records, context, cancel);
        lock (gate)
            batches.Add(records);
    }
}

public sealed class BatchFunction(Recorder recorder)
{
    [Function("Batch")]
    public Task Run(
        [KafkaTrigger("KafkaBrokers", "%KafkaTopic%", ConsumerGroup = "%KafkaGroup%", IsBatched = true)] KafkaRecord[] records,
        FunctionContext context, CancellationToken cancel) => recorder.RunAsync(records, context, cancel);
}

public sealed class RetryingBatchFunction(Recorder recorder)
{
    [Function("RetryingBatch")]
    [FixedDelayRetry(2, "00:00:00.010")]
    public Task Run(
        [KafkaTrigger("KafkaBrokers", "%KafkaTopic%", ConsumerGroup = "%KafkaGroup%", IsBatched = true)] KafkaRecord[] records,
        FunctionContext context) => recorder.RunAsync(records, context, default);
}

public sealed class SingleFunction(Recorder recorder)
{
    [Function("Single")]
    public Task Run(
        [KafkaTrigger("KafkaBrokers", "%KafkaTopic%", ConsumerGroup = "%KafkaGroup%")] KafkaRecord record, FunctionContext context) =>
        recorder.RunAsync([record], context, default);
}
