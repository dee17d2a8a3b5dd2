#nullable disable
using System.Text;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker;

public sealed class KafkaTriggerAttribute : TriggerBindingAttribute, ISupportCardinality
{
    public KafkaTriggerAttribute(string brokerList, string topic)
    {
        BrokerList = brokerList;
        Topic = topic;
    }

    public string Topic { get; }

    public string BrokerList { get; }

    public string ConsumerGroup { get; set; }

    public KafkaMessageKeyType KeyDataType { get; set; } = KafkaMessageKeyType.String;

    public BrokerAuthenticationMode AuthenticationMode { get; set; } = BrokerAuthenticationMode.NotSet;

    public string Username { get; set; }

    public string Password { get; set; }

    public BrokerProtocol Protocol { get; set; } = BrokerProtocol.NotSet;

    public string SslCaLocation { get; set; }

    public string SslCaPEM { get; set; }

    public long LagThreshold { get; set; } = 1000;

    public bool IsBatched
    {
        get => ((ISupportCardinality)this).Cardinality == Cardinality.Many;
        set => ((ISupportCardinality)this).Cardinality = value ? Cardinality.Many : Cardinality.One;
    }

    Cardinality ISupportCardinality.Cardinality { get; set; } = Cardinality.One;
}

public enum BrokerAuthenticationMode
{
    NotSet = -1,
    Gssapi,
    Plain,
    ScramSha256,
    ScramSha512,
    OAuthBearer,
}

public enum BrokerProtocol
{
    NotSet = -1,
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

public enum KafkaMessageKeyType
{
    Int = 0,
    Long,
    String,
    Binary,
}

/// <summary>A record with its raw bytes: Key is null when absent, Value is null for a tombstone, Headers is never null.</summary>
public class KafkaRecord
{
    public string Topic { get; set; }

    public int Partition { get; set; }

    public long Offset { get; set; }

    public byte[] Key { get; set; }

    public byte[] Value { get; set; }

    public KafkaTimestamp Timestamp { get; set; }

    public KafkaHeader[] Headers { get; set; }
}

public class KafkaTimestamp
{
    public long UnixTimestampMs { get; set; }

    public KafkaTimestampType Type { get; set; }

    public DateTimeOffset DateTimeOffset => DateTimeOffset.FromUnixTimeMilliseconds(UnixTimestampMs);
}

public enum KafkaTimestampType
{
    NotAvailable = 0,
    CreateTime = 1,
    LogAppendTime = 2,
}

public class KafkaHeader
{
    public string Key { get; set; }

    public byte[] Value { get; set; }

    public string GetValueAsString() => Value is null ? null : Encoding.UTF8.GetString(Value);
}
