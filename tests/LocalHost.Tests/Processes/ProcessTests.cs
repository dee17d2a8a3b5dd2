using Confluent.Kafka;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Tests.Processes;

public sealed class ProcessTests
{
    [Fact]
    public async Task The_emulator_outlives_its_host_and_is_found_again_with_its_records()
    {
        using var folder = new TestFolder();
        string brokers;
        using (var data = DataDirectory.Open(folder.Path))
        {
            var started = await Services(data).EnsureKafkaAsync([new("events", "test")], 2, CancellationToken.None);
            brokers = started.Brokers;
            await ProduceAsync(brokers, 10);
        }

        // The host is gone without a word; the next one comes.
        using (var data = DataDirectory.Open(folder.Path))
        {
            var services = Services(data);
            try
            {
                Assert.False(services.HasLostKafka());
                var found = await services.EnsureKafkaAsync([new("events", "test")], 2, CancellationToken.None);
                Assert.Equal(brokers, found.Brokers);
                Assert.Equal([5, 5], Ends(found.Brokers));
            }
            finally
            {
                await services.EndAsync();
            }
        }
    }

    [Fact]
    public async Task A_killed_emulator_is_noticed_and_the_way_out_is_told()
    {
        using var folder = new TestFolder();
        using (var data = DataDirectory.Open(folder.Path))
        {
            var services = Services(data);
            (await services.EnsureKafkaAsync([new("events", "test")], 1, CancellationToken.None)).Process.Kill();
            await Eventually.True(services.HasLostKafka, "the loss is noticed");
        }

        var errors = new StringWriter();
        var code = await CommandLine.RunAsync(["--data", folder.Path, "--once", "--port", "0"], new StringWriter(), errors);
        Assert.Equal(ExitCodes.BadSetting, code);
        Assert.Contains("--fresh", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_run_on_the_same_folder_says_which_process_and_port_have_it()
    {
        using var folder = new TestFolder();
        using var data = DataDirectory.Open(folder.Path);
        data.Announce(new HostOwner(ProcessIdentity.Current, 7099));
        var errors = new StringWriter();
        var code = await CommandLine.RunAsync(["--data", folder.Path], new StringWriter(), errors);
        Assert.Equal(ExitCodes.InUse, code);
        Assert.Contains($"process {Environment.ProcessId}", errors.ToString(), StringComparison.Ordinal);
        Assert.Contains("7099", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stranger_with_a_recycled_id_is_neither_taken_for_ours_nor_ended()
    {
        using var folder = new TestFolder();
        var victim = DetachedProcess.Start(["sleep", "60"], folder["log"]);
        var recycled = victim with { Started = "1@another boot" };
        Assert.False(recycled.IsAlive());
        await recycled.EndAsync(TimeSpan.Zero, TimeProvider.System);
        recycled.Kill();
        Assert.True(victim.IsAlive());
        await victim.EndAsync(TimeSpan.FromSeconds(5), TimeProvider.System);
        Assert.False(victim.IsAlive());
    }

    [Fact]
    public void A_folder_with_other_files_is_never_taken_over()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["thesis.txt"], "precious");
        Assert.Throws<SettingException>(() => DataDirectory.Open(folder.Path));
        Assert.Equal("precious", File.ReadAllText(folder["thesis.txt"]));
    }

    [Theory]
    [InlineData("--rate", "0")]
    [InlineData("--partitions", "0")]
    [InlineData("--partitions", "many")]
    [InlineData("--port", "70000")]
    [InlineData("--kafka", "nohost")]
    [InlineData("--kafka-user", "me")]
    [InlineData("--input", "/no/such/file")]
    [InlineData("--no-such-option", "x")]
    public async Task A_bad_option_is_one_sentence_and_exit_code_2(string option, string value)
    {
        using var folder = new TestFolder();
        var errors = new StringWriter();
        var code = await CommandLine.RunAsync(["--data", folder.Path, option, value], new StringWriter(), errors);
        Assert.Equal(ExitCodes.BadSetting, code);
        Assert.Single(errors.ToString().Trim().Split('\n'));
        Assert.Contains(value == "x" ? option : value == "me" ? "--kafka" : value, errors.ToString(), StringComparison.Ordinal);
    }

    private static LocalServices Services(DataDirectory data) => new(data, ServicePrograms.Locate(), TimeProvider.System);

    private static async Task ProduceAsync(string brokers, int count)
    {
        Tidemark.Native.NativeKafka.Load();
        using var producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = brokers }).Build();
        for (var i = 0; i < count; i++)
        {
            var message = new Message<string, string>
            {
                Key = $"key {i}", Value = $"value {i}", Timestamp = new Timestamp(1_700_000_000_000 + i, TimestampType.CreateTime), Headers = [new Header("header", "h"u8.ToArray())],
            };
            await producer.ProduceAsync(new TopicPartition("events", i % 2), message);
        }
    }

    private static IConsumer<string, string> Consumer(string brokers)
    {
        Tidemark.Native.NativeKafka.Load();
        return new ConsumerBuilder<string, string>(new ConsumerConfig { BootstrapServers = brokers, GroupId = "test", EnableAutoCommit = false }).Build();
    }

    private static long[] Ends(string brokers)
    {
        using var consumer = Consumer(brokers);
        return [.. Enumerable.Range(0, 2).Select(p => consumer.QueryWatermarkOffsets(new TopicPartition("events", p), TimeSpan.FromSeconds(10)).High.Value)];
    }
}
