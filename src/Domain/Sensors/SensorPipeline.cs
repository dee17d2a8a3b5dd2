using Tidemark.Domain.Events;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Sensors;

/// <summary>A topic of another kind: readings of devices, <c>{"device_id":…,"metric":…,"value":…,"ts":…}</c> with the time in milliseconds since 1970.</summary>
public static class SensorPipeline
{
    /// <summary>What a reading is. Values have four decimals, so that averages do not depend on the order of readings.</summary>
    public static RecordSchema Readings { get; } = new("sensors", ["ts", "timestamp"],
    [
        new RecordField("device_id", FieldKind.Id, Required: true) { Aliases = ["device"] },
        new RecordField("metric", FieldKind.Word, Required: true),
        new RecordField("value", FieldKind.Decimal, Required: true),
        new RecordField("unit", FieldKind.Word),
    ]);

    /// <summary>Per device, metric and minute: how many readings, their average, extremes and sample standard deviation.</summary>
    public static QueryDefinition SensorMetrics { get; } = Query.Named("sensor_metrics")
        .Tumbling(TimeSpan.FromMinutes(1))
        .Watermark(TimeSpan.FromMinutes(1))
        .By("device_id", "metric")
        .Count("readings")
        .Average("avg_value", "value")
        .Min("min_value", "value")
        .Max("max_value", "value")
        .Deviation("stddev_value", "value")
        .Update();

    /// <summary>Between which values readings are as they should be; other metrics have no bounds.</summary>
    public static IReadOnlyList<MetricBounds> Bounds { get; } =
    [
        new("temperature", -10, 40),
        new("humidity", 10, 90),
        new("pressure", 950, 1_060),
        new("battery", 15, null),
    ];

    /// <summary>A device that says nothing for so long, in event time, is silent.</summary>
    public static TimeSpan SilentAfter { get; } = TimeSpan.FromMinutes(10);

    /// <summary>Builds it.</summary>
    /// <param name="options">Topic and limits of the decoder.</param>
    /// <param name="bounds">Bounds of metrics; null = <see cref="Bounds"/>.</param>
    /// <param name="silentAfter">How long a device may be silent; null = <see cref="SilentAfter"/>.</param>
    public static EventPipeline Create(EventOptions options, IReadOnlyList<MetricBounds>? bounds = null, TimeSpan? silentAfter = null) =>
        new(options, [SensorMetrics], streams: [SensorAlerts.Stream(bounds ?? Bounds, silentAfter ?? SilentAfter)], schema: Readings);
}
