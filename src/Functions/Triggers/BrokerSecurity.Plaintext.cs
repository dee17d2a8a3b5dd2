using Microsoft.Azure.Functions.Worker;

namespace Tidemark.Functions.Triggers;

/// <summary>How the trigger talks to the brokers; constants of an attribute, so chosen at build time by the property KafkaSecurity (this: Plaintext).</summary>
internal static class BrokerSecurity
{
    public const BrokerProtocol Protocol = BrokerProtocol.Plaintext;
    public const BrokerAuthenticationMode Mode = BrokerAuthenticationMode.NotSet;
    public const string User = "";
    public const string Password = "";
}
