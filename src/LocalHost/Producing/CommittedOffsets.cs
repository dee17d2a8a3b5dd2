using Confluent.Kafka;
using Tidemark.LocalHost.Kafka;

namespace Tidemark.LocalHost.Producing;

/// <summary>Asks now and then what the consumer group has committed. The latest answer is kept while the brokers are away.</summary>
internal sealed class CommittedOffsets : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly IConsumer<byte[], byte[]> consumer;
    private readonly List<TopicPartition> partitions;
    private readonly CancellationTokenSource stop = new();
    private readonly Task asking;
    private long[] latest;

    public CommittedOffsets(KafkaConnection connection, string topic, string group, int partitions, TimeProvider time)
    {
        Tidemark.Native.NativeKafka.Load();
        consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig(connection.ToClientSettings()) { GroupId = group, EnableAutoCommit = false })
            .SetLogHandler((_, _) => { }).Build();
        this.partitions = [.. Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p))];
        latest = new long[partitions];
        asking = Task.Factory.StartNew(() => AskAsync(time), TaskCreationOptions.LongRunning).Unwrap();
    }

    /// <summary>Committed offset of a partition; 0 before the first commit.</summary>
    public long this[int partition] => Volatile.Read(ref latest)[partition];

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await asking;
        consumer.Dispose();
        stop.Dispose();
    }

    private async Task AskAsync(TimeProvider time)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                Volatile.Write(ref latest, [.. consumer.Committed(partitions, Timeout).Select(o => Math.Max(0, o.Offset.Value))]);
            }
            catch (KafkaException)
            {
                // Away; the producer reports that, and pacing holds at the last answer.
            }

            await Task.Delay(Interval, time, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }
}
