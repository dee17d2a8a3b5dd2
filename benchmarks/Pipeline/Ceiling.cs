using System.Diagnostics;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Kafka.Native;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Producing;

namespace Tidemark.Bench.Pipeline;

/// <summary>
/// What the emulator, the producer of files and a bare consumer come to together: the same file through the same topic, and records only counted. No pipeline
/// behind it can be faster.
/// </summary>
internal static class Ceiling
{
    /// <summary>Records, seconds and processor seconds of this process, which holds all three.</summary>
    public static (long Records, double Seconds, double Cpu) Measure(string input, int partitions, string folder)
    {
        using var emulator = new KafkaEmulator();
        emulator.CreateTopic("events", partitions);
        using var data = DataDirectory.Open(Path.Combine(folder, "bare"));
        var connection = KafkaConnection.FromSettings(emulator.Brokers, new ConfigurationBuilder().Build());
        var settings = connection.ToClientSettings();
        foreach (var (name, value) in new[]
        {
            ("group.id", "bare"), ("enable.auto.commit", "true"), ("enable.auto.offset.store", "false"), ("auto.offset.reset", "earliest"), ("auto.commit.interval.ms", "100"),
            ("session.timeout.ms", "4000"), ("fetch.wait.max.ms", "20"), ("queued.max.messages.kbytes", "16384"),
        })
            settings[name] = value;
        using var consumer = new RecordConsumer(settings, "events", NullLogger.Instance);
        while (consumer.Assigned.Count() < partitions)
            consumer.Read(new KafkaRecord[1], 20);
        var producer = new InputProducer(
            new InputPlan(data["input.json"], "events", "bare", LineKey.User, [InputFile.Of(input)], PacedProducer.EmulatorWindow), connection, TimeProvider.System, Console.Error.WriteLine, NullLogger.Instance);
        var (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var producing = producer.RunAsync(CancellationToken.None);
        var records = new KafkaRecord[1000];
        var read = 0L;
        while (!producing.IsCompleted || read < producer.Lines)
        {
            var count = consumer.Read(records, 20);
            read += count;
            if (count > 0)
                consumer.Store(records.Take(count).GroupBy(r => r.Partition).ToDictionary(p => p.Key, p => p.Max(r => r.Offset) + 1));
        }

        producing.GetAwaiter().GetResult();
        return (read, Stopwatch.GetElapsedTime(began).TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }
}
