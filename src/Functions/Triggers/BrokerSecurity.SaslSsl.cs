using Microsoft.Azure.Functions.Worker;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Triggers;

/// <summary>How the trigger talks to the brokers; constants of an attribute, so chosen at build time by the property KafkaSecurity (this: SaslSsl).</summary>
internal static class BrokerSecurity
{
    public const BrokerProtocol Protocol = BrokerProtocol.SaslSsl;
    public const BrokerAuthenticationMode Mode = BrokerAuthenticationMode.Plain;
    public const string User = Settings.Names.KafkaUser;
    public const string Password = Settings.Names.KafkaPassword;
}
