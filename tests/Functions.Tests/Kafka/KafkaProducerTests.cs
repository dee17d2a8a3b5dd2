using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Functions.Kafka;

namespace Tidemark.Functions.Tests.Kafka;

/// <summary>The producer against a broker of the client library: real sockets, the real protocol.</summary>
public sealed class KafkaProducerTests
{
    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public async Task Records_arrive_once_in_order_of_their_key_whatever_the_compression(CompressionType compression)
    {
        using var broker = new MockBroker("events", 3);
        using var producer = Producer(broker.Brokers, new KafkaProducerOptions { Compression = compression });
        var sent = Enumerable.Range(0, 3_000).Select(i => (Key: $"user-{i % 17}", Value: $"{{\"n\":{i}}}")).ToList();
        await producer.SendAllAsync("events", [.. sent.Select(s => Message(s.Key, s.Value))], default);

        Assert.Equal(new ProducerFigures(3_000, 0), producer.Figures);
        Assert.Equal((1.0, 0), (producer.Figures.SuccessRate, producer.Flush(TimeSpan.FromSeconds(1))));
        var arrived = TopicReader.All(broker.Brokers, "events");
        Assert.All(arrived.GroupBy(r => r.Key), key => Assert.Single(key.Select(r => r.Partition).Distinct()));
        Assert.Equal(
            sent.GroupBy(s => s.Key).ToDictionary(g => g.Key, g => string.Join(",", g.Select(s => s.Value))),
            arrived.GroupBy(r => r.Key!).ToDictionary(g => g.Key, g => string.Join(",", g.Select(r => r.Value))));
    }

    [Fact]
    public async Task What_is_not_acknowledged_is_counted_and_flushing_warns_of_what_is_left()
    {
        using var broker = new MockBroker("events", 1);
        var log = new Lines();
        using var producer = new KafkaProducer(new ClientConfig { BootstrapServers = broker.Brokers }, new KafkaProducerOptions { GivesUpAfter = TimeSpan.FromSeconds(2) }, log);
        Assert.Equal(0, await producer.SendAsync(new TopicPartition("events", 0), Message("k", "v"), default));
        broker.Stop();
        var failing = producer.SendAllAsync("events", [Message("k", "1"), Message("k", "2")], default);
        Assert.Equal(2, producer.Flush(TimeSpan.FromMilliseconds(50)));
        Assert.Contains(log.Written, line => line.StartsWith("2 records were not acknowledged", StringComparison.Ordinal));
        await Assert.ThrowsAsync<KafkaException>(() => failing);
        Assert.Equal(new ProducerFigures(1, 2), producer.Figures);
        Assert.Equal(1.0 / 3, producer.Figures.SuccessRate, 6);
        Assert.NotNull(producer.FirstFailure);
    }

    [Fact]
    public async Task Whoever_waits_for_a_client_that_is_ended_is_told_so()
    {
        using var broker = new MockBroker("events", 1);
        using var producer = Producer(broker.Brokers, new KafkaProducerOptions());
        await producer.SendAsync(new TopicPartition("events", 0), Message("k", "v"), default);
        broker.Stop();
        var one = producer.SendAsync(new TopicPartition("events", 0), Message("k", "1"), default);
        var all = producer.SendAllAsync("events", [Message("k", "2"), Message("k", "3")], default);
        producer.Dispose();
        Assert.Equal(ErrorCode.Local_Destroy, (await Assert.ThrowsAsync<KafkaException>(() => one)).Error.Code);
        Assert.Equal(ErrorCode.Local_Destroy, (await Assert.ThrowsAsync<KafkaException>(() => all)).Error.Code);
    }

    [Fact]
    public async Task A_full_queue_makes_the_sender_wait_and_loses_nothing()
    {
        using var broker = new MockBroker("events", 1);
        using var producer = Producer(broker.Brokers, new KafkaProducerOptions { QueueRecords = 10 });
        for (var i = 0; i < 500; i++)
            await producer.EnqueueAsync(new TopicPartition("events", 0), Message(null, $"{i}"), null, default);
        Assert.Equal(0, producer.Flush(TimeSpan.FromSeconds(20)));
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), TopicReader.All(broker.Brokers, "events").Select(r => r.Value));

        broker.Stop();
        using var cancel = new CancellationTokenSource();
        for (var i = 0; i < 10; i++)
            await producer.EnqueueAsync(new TopicPartition("events", 0), Message(null, $"{i}"), null, default);
        var waiting = producer.EnqueueAsync(new TopicPartition("events", 0), Message(null, "one too many"), null, cancel.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task A_record_that_can_never_be_sent_says_so_at_once()
    {
        using var broker = new MockBroker("events", 1);
        using var producer = Producer(broker.Brokers, new KafkaProducerOptions());
        await Assert.ThrowsAnyAsync<KafkaException>(() => producer.SendAsync(new TopicPartition("events", 0), Message("k", new string('x', 17 << 20)), default));
        Assert.Equal(new ProducerFigures(0, 1), producer.Figures);
    }

    [Fact]
    public async Task A_topic_that_is_there_is_left_as_it_is()
    {
        using var broker = new MockBroker("events", 3);
        using var producer = Producer(broker.Brokers, new KafkaProducerOptions());
        Assert.Equal(3, await producer.EnsureTopicAsync("events", 7, 1, TimeSpan.FromSeconds(10)));
    }

    private static KafkaProducer Producer(string brokers, KafkaProducerOptions options) => new(new ClientConfig { BootstrapServers = brokers }, options, NullLogger.Instance);

    private static Message<byte[]?, byte[]?> Message(string? key, string value) => new() { Key = key is null ? null : Encoding.UTF8.GetBytes(key), Value = Encoding.UTF8.GetBytes(value) };

    private sealed class Lines : ILogger
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Written)
                Written.Add(formatter(state, exception));
        }
    }
}
