using Microsoft.Azure.Functions.Worker;

namespace Tidemark.Feed.Tests;

public class TriggerAttributeTests
{
    [Fact]
    public void Trigger_attributes_have_the_official_defaults()
    {
        var kafka = new KafkaTriggerAttribute("Brokers", "%Topic%") { IsBatched = true };

        Assert.Equal((KafkaMessageKeyType.String, BrokerProtocol.NotSet, 1000L), (kafka.KeyDataType, kafka.Protocol, kafka.LagThreshold));
        Assert.True(kafka.IsBatched);
        Assert.Equal(AuthorizationLevel.Function, new HttpTriggerAttribute().AuthLevel);
        Assert.Equal(AuthorizationLevel.Anonymous, new HttpTriggerAttribute("get").AuthLevel);
        Assert.Equal(AuthorizationLevel.Admin, new HttpTriggerAttribute(AuthorizationLevel.Admin, "get", "post").AuthLevel);
        Assert.Equal(-1, new ExponentialBackoffRetryAttribute(-1, "00:00:01", "00:00:15").MaxRetryCount);
    }
}
