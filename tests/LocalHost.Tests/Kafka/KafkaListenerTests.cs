using Microsoft.Azure.Functions.Worker;

namespace Tidemark.LocalHost.Tests.Kafka;

public sealed class KafkaListenerTests
{
    [Fact]
    public async Task Batches_mix_partitions_keep_order_within_each_and_carry_raw_key_value_and_headers()
    {
        using var kafka = new TestKafka();
        kafka.Produce(300);
        await using var host = await TestHost.StartAsync([typeof(BatchFunction)], TestHost.KafkaSettings(kafka));
        await Eventually.True(() => host.Recorder.Records == 300, "300 records were processed");

        Assert.Contains(host.Recorder.Batches, b => b.Select(r => r.Partition).Distinct().Count() > 1);
        Assert.All(host.Recorder.Batches, b => Assert.InRange(b.Length, 1, 64));
        var records = host.Recorder.Batches.SelectMany(b => b).ToList();
        foreach (var partition in records.GroupBy(r => r.Partition))
            Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), partition.Select(r => r.Offset));
        Assert.All(records, r =>
        {
            var number = ((int)r.Offset * 3) + r.Partition;
            Assert.Equal(number, BitConverter.ToInt32(r.Key));
            Assert.Equal(number, BitConverter.ToInt32(r.Value));
            Assert.Equal(("n", number), (r.Headers[0].Key, BitConverter.ToInt32(r.Headers[0].Value)));
            Assert.True(r.Timestamp.UnixTimestampMs > 0);
        });
    }

    [Fact]
    public async Task Offsets_are_committed_after_success_and_not_before()
    {
        using var kafka = new TestKafka();
        kafka.Produce(30);
        var release = new TaskCompletionSource();
        await using var host = await TestHost.StartAsync(
            [typeof(BatchFunction)], TestHost.KafkaSettings(kafka), r => r.OnBatch = (_, _, _) => release.Task);
        await Eventually.True(() => host.Host.KafkaListeners[0].Assigned.Count == 3, "the partitions are assigned");
        Assert.Equal([0, 0, 0], kafka.Committed());
        release.SetResult();
        await Eventually.True(() => kafka.Committed().Sum() == 30, "all offsets are committed");
    }

    [Fact]
    public async Task A_failed_batch_is_executed_again_in_place_until_it_succeeds()
    {
        using var kafka = new TestKafka(1);
        kafka.Produce(10);
        var executions = 0;
        var settings = TestHost.KafkaSettings(kafka);
        settings["AzureFunctionsJobHost__extensions__kafka__maxRetries"] = "-1";
        await using var host = await TestHost.StartAsync([typeof(BatchFunction)], settings, r => r.OnBatch = (_, _, _) =>
            ++executions <= 8 ? throw new InvalidOperationException("not yet") : Task.CompletedTask);
        await Eventually.True(() => kafka.Committed()[0] == 10, "the batch is committed");
        Assert.Equal(10, host.Recorder.Records);
        Assert.True(executions >= 9);
    }

    [Fact]
    public async Task After_maxRetries_a_batch_is_passed_over_with_an_error_that_names_its_offsets()
    {
        using var kafka = new TestKafka(1);
        kafka.Produce(10);
        var executions = 0;
        var settings = TestHost.KafkaSettings(kafka);
        settings["AzureFunctionsJobHost__extensions__kafka__maxRetries"] = "2";
        settings["AzureFunctionsJobHost__extensions__kafka__maxBatchSize"] = "10";
        await using var host = await TestHost.StartAsync([typeof(RetryingBatchFunction)], settings, r => r.OnBatch = (_, _, _) =>
        {
            executions++;
            throw new InvalidOperationException("never");
        });
        await Eventually.True(() => kafka.Committed()[0] == 10, "the batch is passed over");
        Assert.Equal((1 + 2) * (1 + 2), executions); // (1 + maxRetries) × (1 + the function's own retries)
        Assert.Contains(host.Log.Errors, e => e.Contains("partition 0 before offset 10", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_commitOnFailure_a_failed_batch_is_committed_as_the_real_default_does()
    {
        using var kafka = new TestKafka(1);
        kafka.Produce(5);
        var settings = TestHost.KafkaSettings(kafka);
        settings["AzureFunctionsJobHost__extensions__kafka__commitOnFailure"] = "true";
        await using var host = await TestHost.StartAsync(
            [typeof(BatchFunction)], settings, r => r.OnBatch = (_, _, _) => throw new InvalidOperationException("lost"));
        await Eventually.True(() => kafka.Committed()[0] == 5, "the failed batch is committed");
        Assert.Equal(0, host.Recorder.Records);
    }

    [Fact]
    public async Task A_function_sees_which_retry_it_is()
    {
        using var kafka = new TestKafka(1);
        kafka.Produce(1);
        List<(int, int)> seen = [];
        await using var host = await TestHost.StartAsync([typeof(RetryingBatchFunction)], TestHost.KafkaSettings(kafka), r => r.OnBatch = (_, context, _) =>
        {
            seen.Add((context.RetryContext.RetryCount, context.RetryContext.MaxRetryCount));
            return seen.Count < 3 ? throw new InvalidOperationException("again") : Task.CompletedTask;
        });
        await Eventually.True(() => host.Recorder.Records == 1, "the third attempt succeeded");
        Assert.Equal([(0, 2), (1, 2), (2, 2)], seen);
    }

    [Fact]
    public async Task A_stop_finishes_the_running_batch_and_commits_it()
    {
        using var kafka = new TestKafka(1);
        kafka.Produce(5);
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var host = await TestHost.StartAsync([typeof(BatchFunction)], TestHost.KafkaSettings(kafka), r => r.OnBatch = async (_, _, _) =>
        {
            started.TrySetResult();
            await release.Task;
        });
        await started.Task;
        var stopping = host.DisposeAsync();
        release.SetResult();
        await stopping;
        Assert.Equal(host.Recorder.Batches[0][^1].Offset + 1, kafka.Committed()[0]);
    }

    [Fact]
    public async Task What_was_running_when_the_host_died_comes_again()
    {
        using var kafka = new TestKafka();
        kafka.Produce(300);
        var gate = new TaskCompletionSource();
        var batches = 0;
        // A stop whose grace is over cancels the function and stores nothing, which is what a crash leaves behind in Kafka.
        var first = await TestHost.StartAsync([typeof(BatchFunction)], TestHost.KafkaSettings(kafka), r => r.OnBatch = async (_, _, cancel) =>
        {
            if (++batches == 3)
                await gate.Task.WaitAsync(cancel);
        });
        await Eventually.True(() => batches == 3, "the third batch is running");
        await first.Host.KafkaListeners[0].StopAsync(TimeSpan.Zero);
        var before = first.Recorder.Batches.SelectMany(b => b).Select(Key).ToList();
        await first.DisposeAsync();

        await using var second = await TestHost.StartAsync([typeof(BatchFunction)], TestHost.KafkaSettings(kafka));
        await Eventually.True(
            () => before.Concat(second.Recorder.Batches.SelectMany(b => b).Select(Key)).Distinct().Count() == 300, "nothing is missing");
        await Eventually.True(() => kafka.Committed().Sum() == 300, "everything is committed");
    }

    [Fact]
    public async Task Two_hosts_share_the_partitions_and_lose_nothing_while_they_do()
    {
        using var kafka = new TestKafka(4);
        kafka.Produce(400);
        await using var one = await TestHost.StartAsync([typeof(BatchFunction)], TestHost.KafkaSettings(kafka));
        await Eventually.True(() => one.Recorder.Records >= 100, "the first host has begun");
        await using var two = await TestHost.StartAsync([typeof(BatchFunction)], TestHost.KafkaSettings(kafka));
        await Eventually.True(
            () => one.Host.KafkaListeners[0].Assigned.Count == 2 && two.Host.KafkaListeners[0].Assigned.Count == 2, "the group has shared the partitions");
        kafka.Produce(400, first: 400);
        await Eventually.True(() => kafka.Committed().Sum() == 800, "everything is committed");
        Assert.Equal(800, one.Recorder.Batches.Concat(two.Recorder.Batches).SelectMany(b => b).Select(Key).Distinct().Count());
        Assert.NotEmpty(two.Recorder.Batches);
    }

    [Fact]
    public async Task A_function_of_single_records_gets_them_in_order_per_partition()
    {
        using var kafka = new TestKafka();
        kafka.Produce(60);
        await using var host = await TestHost.StartAsync([typeof(SingleFunction)], TestHost.KafkaSettings(kafka));
        await Eventually.True(() => kafka.Committed().Sum() == 60, "all are committed");
        foreach (var partition in host.Recorder.Batches.Select(b => b.Single()).GroupBy(r => r.Partition))
            Assert.Equal(Enumerable.Range(0, 20).Select(i => (long)i), partition.Select(r => r.Offset));
    }

    [Fact]
    public async Task A_broker_that_is_away_at_the_start_is_waited_for_and_said_so()
    {
        await using var host = await TestHost.StartAsync([typeof(BatchFunction)], new()
        {
            ["KafkaBrokers"] = "127.0.0.1:1",
            ["KafkaTopic"] = "events",
            ["KafkaGroup"] = "test",
        });
        await Eventually.True(() => host.Log.All.Any(l => l.Contains("127.0.0.1:1 is away", StringComparison.Ordinal)), "the state is told");
        Assert.True(host.Host.KafkaListeners[0].BrokersDown);
    }

    private static (int, long) Key(KafkaRecord record) => (record.Partition, record.Offset);
}
