using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Tidemark.Functions.Kafka;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Producing;

/// <summary>What <c>produce</c> is to do.</summary>
internal sealed record ProducePlan
{
    public required string File { get; init; }

    public required string Topic { get; init; }

    public string KeyField { get; init; } = "user_id";

    public double? Rate { get; init; }

    /// <summary>Partitions of a topic that is to be made; null = it must be there.</summary>
    public int? Partitions { get; init; }

    public short? Replication { get; init; }

    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>What <c>produce</c> did.</summary>
internal sealed record ProduceReport(string Topic, long Sent, long Delivered, long Failed, long Unconfirmed, long WithoutKey, double Seconds, string? FirstFailure)
{
    public bool IsComplete => Failed == 0 && Unconfirmed == 0;

    public double SuccessRate => Sent == 0 ? 1 : (double)Delivered / Sent;

    public string Text() => string.Create(CultureInfo.InvariantCulture,
        $"{Topic}: {Delivered} delivered, {Failed} failed{(Unconfirmed > 0 ? $", {Unconfirmed} not confirmed" : "")} ({SuccessRate:P2}) in {Seconds:0.0} s ({Delivered / Math.Max(Seconds, 0.001):0}/s); {WithoutKey} without a key{(FirstFailure is null ? "" : $"; first failure: {FirstFailure}")}");

    public string Json() => JsonSerializer.Serialize(
        new { topic = Topic, sent = Sent, delivered = Delivered, failed = Failed, unconfirmed = Unconfirmed, without_key = WithoutKey, success_rate = SuccessRate, seconds = Math.Round(Seconds, 3), first_failure = FirstFailure });
}

/// <summary>Reads lines and sends them, with a report at the end.</summary>
/// <param name="plan">What to do.</param>
/// <param name="connection">Brokers.</param>
/// <param name="readBy">
/// The consumer group that must keep up, see <see cref="ReaderPace"/>, for the emulator. Null = brokers that keep records by time.
/// </param>
/// <param name="time">Clock.</param>
/// <param name="messages">Where warnings go.</param>
internal sealed class LineProducer(ProducePlan plan, KafkaConnection connection, string? readBy, TimeProvider time, TextWriter messages)
{
    private const int MostFailures = 1_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(40);

    public async Task<ProduceReport> RunAsync(CancellationToken cancel)
    {
        using var log = new LineLog(messages, LogLevel.Warning, withExceptions: false, time);
        using var producer = new KafkaProducer(new ClientConfig(connection.ToClientSettings()), new KafkaProducerOptions(), log.CreateLogger("Produce"));
        var partitions = await PartitionsAsync(producer);
        var began = time.GetTimestamp();
        var events = new EventProducer(producer, new EventProducerOptions { Topic = plan.Topic, KeyField = plan.KeyField, Headers = plan.Headers }, time);
        try
        {
            await SendAsync(producer, events, partitions, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // What was handed over is still waited for, and the report says how much it was.
        }

        var left = producer.Flush(LastWait);
        var figures = producer.Figures;
        return new ProduceReport(plan.Topic, events.Sent, figures.Delivered, figures.Failed, left, events.Unkeyed, time.GetElapsedTime(began).TotalSeconds, producer.FirstFailure);
    }

    private async Task<int> PartitionsAsync(KafkaProducer producer)
    {
        if (plan.Partitions is { } wanted)
        {
            var has = await producer.EnsureTopicAsync(plan.Topic, wanted, plan.Replication, Patience);
            if (has != wanted)
                messages.WriteLine($"The topic {plan.Topic} is there already, with {has} partitions instead of {wanted}.");
            return has;
        }

        using var tail = new TopicTail(connection, plan.Topic);
        return tail.Partitions() is > 0 and var found ? found : throw new SettingException($"There is no topic {plan.Topic} at {connection}; give --partitions N to make it.");
    }

    private async Task SendAsync(KafkaProducer producer, EventProducer events, int partitions, CancellationToken cancel)
    {
        await using var pace = readBy is null ? null : new ReaderPace(connection, plan.Topic, readBy, partitions, isRead: true, time, messages);
        using var reader = new LineReader(plan.File, "");
        var start = time.GetTimestamp();
        var lines = 0L;
        while (Next(reader) is { } line)
        {
            cancel.ThrowIfCancellationRequested();
            if (pace is not null)
                await pace.RoomForAsync(line.Length, () => producer.Flush(Patience), cancel);
            try
            {
                await events.SendAsync(line, cancel);
            }
            catch (KafkaException)
            {
                // This one can never be sent, such as one that is too large: it is counted as failed, and the report tells why.
            }

            if (producer.Figures.Failed >= MostFailures)
            {
                messages.WriteLine($"{MostFailures} events have failed; the rest is not tried.");
                return;
            }

            lines++;
            if (plan.Rate is { } rate && TimeSpan.FromSeconds(lines / rate) - time.GetElapsedTime(start) is { Ticks: > 0 } early)
                await Task.Delay(early, time, cancel);
        }
    }

    private static byte[]? Next(LineReader reader) => reader.TryRead(out var line) ? line.ToArray() : null;
}
