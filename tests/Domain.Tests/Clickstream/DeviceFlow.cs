using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Clickstream;

/// <summary>The query that docs/add-a-query.md adds to a further topic, letter by letter.</summary>
internal static class DeviceFlowExample
{
    /// <summary>What was ordered on which kind of device in ten minutes; rows come out once a minute.</summary>
    public static QueryDefinition DeviceFlow { get; } = Query.Named("device_flow")
        .Tumbling(TimeSpan.FromMinutes(10))
        .Watermark(TimeSpan.FromMinutes(5))
        .By("device_type")
        .Count("orders")
        .Sum("revenue", "revenue")
        .Trigger(TimeSpan.FromMinutes(1))
        .Update();
}
