using Confluent.Kafka;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Sinks;

/// <summary>
/// Writes records to one topic, in order, acknowledged. A topic that is missing is made at the first write, as the brokers are set up; where that is
/// refused the text says so.
/// </summary>
internal sealed class TopicWriter(KafkaProducer producer, string topic, TimeSpan patience, PipelineMetrics metrics)
{
    /// <summary>Header that is the same for a repeat of a record.</summary>
    public const string Identity = "tidemark-id";

    private const int Chunk = 5_000;
    private bool _isThere;

    public string Topic => topic;

    /// <summary>Writes records one after the other; returns when all are acknowledged. Throws <see cref="KafkaException"/> with the brokers' reason.</summary>
    public async Task WriteAsync(int count, Func<int, Message<byte[]?, byte[]?>> record, CancellationToken cancel)
    {
        if (!_isThere)
        {
            // The client blocks while it asks.
            await Task.Run(() => producer.EnsureTopicAsync(topic, null, null, patience), cancel);
            _isThere = true;
        }

        try
        {
            for (var from = 0; from < count; from += Chunk)
            {
                var records = Enumerable.Range(from, Math.Min(Chunk, count - from)).Select(record).ToList();
                await producer.SendAllAsync(topic, records, cancel);
                metrics.Sent(topic, records.Count);
            }
        }
        catch (KafkaException)
        {
            // It may have been deleted.
            _isThere = false;
            throw;
        }
    }
}
