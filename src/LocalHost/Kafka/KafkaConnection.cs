using Microsoft.Extensions.Configuration;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Kafka;

/// <summary>
/// How to reach the brokers. Protocol and sign-in come from the settings KafkaProtocol, KafkaMechanism, KafkaUser, KafkaPassword and
/// KafkaCaLocation, not from the trigger's attribute, which is fixed at compile time.
/// </summary>
internal sealed record KafkaConnection(
    string Brokers, string Protocol = "PLAINTEXT", string Mechanism = "PLAIN", string? User = null, string? Password = null, string? CaLocation = null)
{
    private static readonly string[] Protocols = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

    /// <exception cref="SettingException">A setting is wrong or lacks its counterpart.</exception>
    public static KafkaConnection FromSettings(string brokers, IConfiguration settings)
    {
        if (string.IsNullOrWhiteSpace(brokers))
            throw new SettingException("The setting BrokerList is empty; give HOST:PORT, or several of them separated by commas.");
        var user = NullIfEmpty(settings["KafkaUser"]);
        var protocol = Word(settings["KafkaProtocol"]);
        // The attribute's own spelling ("SaslSsl") is understood too.
        protocol = Protocols.FirstOrDefault(p => p.Replace("_", "") == protocol.Replace("_", "")) ?? (protocol == ""
            ? user is null ? "PLAINTEXT" : "SASL_SSL"
            : throw new SettingException($"The setting KafkaProtocol is '{settings["KafkaProtocol"]}'; use one of {string.Join(", ", Protocols)}."));
        var password = NullIfEmpty(settings["KafkaPassword"]);
        if (protocol.StartsWith("SASL", StringComparison.Ordinal) && (user is null || password is null))
            throw new SettingException($"KafkaProtocol {protocol} needs the settings KafkaUser and KafkaPassword; give both.");
        return new KafkaConnection(
            brokers, protocol, ToMechanism(settings["KafkaMechanism"]), user, password, NullIfEmpty(settings["KafkaCaLocation"]));
    }

    /// <summary>The client settings of this connection.</summary>
    public Dictionary<string, string> ToClientSettings()
    {
        var all = new Dictionary<string, string> { ["bootstrap.servers"] = Brokers, ["security.protocol"] = Protocol };
        if (Protocol.StartsWith("SASL", StringComparison.Ordinal))
        {
            all["sasl.mechanism"] = Mechanism;
            all["sasl.username"] = User!;
            all["sasl.password"] = Password!;
        }

        if (CaLocation is not null)
            all["ssl.ca.location"] = CaLocation;
        return all;
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => $"{Brokers} ({Protocol})";

    private static string ToMechanism(string? text) => Word(text).Replace("_", "") switch
    {
        "" or "PLAIN" => "PLAIN",
        "SCRAMSHA256" => "SCRAM-SHA-256",
        "SCRAMSHA512" => "SCRAM-SHA-512",
        _ => throw new SettingException($"The setting KafkaMechanism is '{text}'; use Plain, ScramSha256 or ScramSha512."),
    };

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string Word(string? text) => text?.Trim().ToUpperInvariant().Replace('-', '_') ?? "";
}
