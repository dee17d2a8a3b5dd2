using System.CommandLine;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>--kafka</c> and what goes with it, the same for all commands.</summary>
internal sealed class BrokerArguments(string description)
{
    private readonly Option<string?> kafka = new("--kafka") { Description = description, HelpName = "HOST:PORT" };
    private readonly Option<string?> user = new("--kafka-user") { Description = "User for SASL" };
    private readonly Option<string?> password = new("--kafka-password") { Description = "Password for SASL; the environment variable KafkaPassword keeps it out of process lists" };
    private readonly Option<string?> protocol = new("--kafka-protocol") { Description = "Plaintext, Ssl, SaslPlaintext or SaslSsl" };

    public void AddTo(Command command)
    {
        foreach (var option in new[] { kafka, user, password, protocol })
            command.Options.Add(option);
    }

    /// <summary>The options of the brokers, checked; the others as they are without a command line.</summary>
    /// <exception cref="SettingException">An address is none, or sign-in is given without brokers.</exception>
    public RunOptions Read(ParseResult parsed)
    {
        var options = new RunOptions
        {
            Kafka = parsed.GetValue(kafka), KafkaUser = parsed.GetValue(user), KafkaPassword = parsed.GetValue(password), KafkaProtocol = parsed.GetValue(protocol),
        };
        if (options.Kafka is { } brokers && !brokers.Split(',').All(IsAddress))
            throw new SettingException($"--kafka {brokers} is no address; give HOST:PORT, several separated by commas.");
        if (options.Kafka is null && (options.KafkaUser ?? options.KafkaPassword ?? options.KafkaProtocol) is not null)
            throw new SettingException("--kafka-user, --kafka-password and --kafka-protocol need --kafka HOST:PORT; the emulator knows no users.");
        return options;
    }

    private static bool IsAddress(string text) =>
        text.Trim().LastIndexOf(':') is > 0 and var colon && int.TryParse(text.Trim().AsSpan(colon + 1), out var port) && port is > 0 and < 65536;
}
