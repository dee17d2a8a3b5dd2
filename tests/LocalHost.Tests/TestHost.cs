using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Hosting;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Tests;

/// <summary>An emulator with one topic, and hosts over it. Everything is in a folder of its own and goes away with it.</summary>
internal sealed class TestKafka : IDisposable
{
    private readonly KafkaEmulator emulator = new();

    public TestKafka(int partitions = 3)
    {
        Tidemark.Native.NativeKafka.Load();
        emulator.CreateTopic("events", partitions);
        Partitions = partitions;
    }

    public int Partitions { get; }

    public string Brokers => emulator.Brokers;

    /// <summary>Sends count records, round robin over the partitions, values <c>first</c>, <c>first + 1</c>, …</summary>
    public void Produce(int count, int first = 0)
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = Brokers, EnableIdempotence = true }).Build();
        for (var i = first; i < first + count; i++)
        {
            producer.Produce(new TopicPartition("events", i % Partitions), new Message<byte[], byte[]>
            {
                Key = BitConverter.GetBytes(i),
                Value = BitConverter.GetBytes(i),
                Headers = [new Header("n", BitConverter.GetBytes(i))],
            });
        }

        producer.Flush(TimeSpan.FromSeconds(60));
    }

    /// <summary>Committed offsets of the group, 0 where there is none.</summary>
    public long[] Committed(string group = "test")
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = Brokers, GroupId = group }).Build();
        return [.. consumer.Committed(Enumerable.Range(0, Partitions).Select(p => new TopicPartition("events", p)), TimeSpan.FromSeconds(10))
            .Select(o => Math.Max(0, o.Offset.Value))];
    }

    public void Dispose() => emulator.Dispose();
}

/// <summary>A temporary folder that is deleted at the end.</summary>
internal sealed class TestFolder : IDisposable
{
    public TestFolder() => Directory.CreateDirectory(Path);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "tidemark-" + Guid.NewGuid().ToString("N")[..12]);

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A host over given function types.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly TestFolder? ownFolder;

    private TestHost(EmbeddedHost host, Recorder recorder, TestLog log, TestFolder? ownFolder)
    {
        Host = host;
        Recorder = recorder;
        Log = log;
        this.ownFolder = ownFolder;
    }

    public EmbeddedHost Host { get; }

    public Recorder Recorder { get; }

    public TestLog Log { get; }

    public static async Task<TestHost> StartAsync(
        Type[] functions, Dictionary<string, string?> settings, Action<Recorder>? set = null, TimeProvider? time = null, string? folder = null)
    {
        var ownFolder = folder is null ? new TestFolder() : null;
        var recorder = new Recorder();
        set?.Invoke(recorder);
        var log = new TestLog();
        var all = new Dictionary<string, string?> { ["LocalHost:FetchWaitMs"] = "20", ["LocalHost:SubscriberIntervalMs"] = "100" };
        foreach (var (name, value) in settings)
            all[name.Replace("__", ":", StringComparison.Ordinal)] = value;
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(all).Build();
        var hostJson = System.IO.Path.Combine(folder ?? ownFolder!.Path, "host.json");
        await File.WriteAllTextAsync(hostJson, """{ "version": "2.0", "extensions": { "kafka": { "commitOnFailure": false, "autoCommitIntervalMs": 50, "sessionTimeoutMs": 4000 } } }""");
        var host = EmbeddedHost.Create(new HostPlan
        {
            FunctionTypes = functions,
            Settings = configuration,
            Host = HostJson.Load(hostJson, configuration),
            DataFolder = folder ?? ownFolder!.Path,
            Port = 0,
            Compose = (services, _) => services.AddSingleton(recorder),
            Logging = builder => builder.SetMinimumLevel(LogLevel.Debug).AddProvider(log),
            Time = time ?? TimeProvider.System,
            Grace = TimeSpan.FromSeconds(10),
        });
        await host.StartAsync(CancellationToken.None);
        return new TestHost(host, recorder, log, ownFolder);
    }

    public static Dictionary<string, string?> KafkaSettings(TestKafka kafka, string group = "test") => new()
    {
        ["KafkaBrokers"] = kafka.Brokers,
        ["KafkaTopic"] = "events",
        ["KafkaGroup"] = group,
    };

    public async ValueTask DisposeAsync()
    {
        await Host.StopAsync();
        await Host.DisposeAsync();
        ownFolder?.Dispose();
    }
}

/// <summary>Collects log lines.</summary>
internal sealed class TestLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> lines = new();

    public IEnumerable<string> Errors => lines.Where(l => l.Level == LogLevel.Error).Select(l => l.Text);

    public IEnumerable<string> All => lines.Select(l => l.Text);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue((logLevel, formatter(state, exception)));

    public void Dispose()
    {
    }
}

/// <summary>Waiting for conditions.</summary>
internal static class Eventually
{
    /// <summary>Returns when the condition holds; fails with the text after 20 seconds.</summary>
    public static async Task True(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, "In 20 seconds it did not happen that " + what);
            await timer.WaitForNextTickAsync();
        }
    }
}
