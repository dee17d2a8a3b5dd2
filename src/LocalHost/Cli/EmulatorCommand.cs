using System.CommandLine;
using Tidemark.LocalHost.Emulator;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>kafka-emulator</c>: what the host starts as a process of its own.</summary>
internal static class EmulatorCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "Data directory", Required = true };
        var topic = new Option<string[]>("--topic") { Description = "Topic; may be given again, each with a --group", Required = true };
        var group = new Option<string[]>("--group") { Description = "Consumer group of the topic, whose offsets are kept over an orderly end", Required = true };
        var partitions = new Option<int>("--partitions") { Description = "Partitions of each topic", DefaultValueFactory = _ => 6 };
        var command = new Command("kafka-emulator", "Run the Kafka emulator of a data directory until SIGTERM") { data, topic, group, partitions };
        command.Hidden = true;
        command.SetAction(parsed => EmulatorProcess.Run(
            parsed.GetValue(data)!, [.. parsed.GetValue(topic)!.Zip(parsed.GetValue(group)!, (t, g) => new TopicGroup(t, g))], parsed.GetValue(partitions)));
        return command;
    }
}
