using Azure.Core;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Azure.Monitor.OpenTelemetry.Exporter;

/// <summary>Where telemetry goes.</summary>
public class AzureMonitorExporterOptions : ClientOptions
{
    /// <summary>Connection string of Application Insights.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>Identity to send as; null for the key in the connection string.</summary>
    public TokenCredential? Credential { get; set; }
}

/// <summary>Refuses: a pipeline that is told to send its telemetry and cannot must not start as if it could.</summary>
public static class AzureMonitorExporterExtensions
{
    private const string Missing =
        "This build has no exporter for Azure Monitor, because the package feed that it was made from lacks Azure.Monitor.OpenTelemetry.Exporter; leave APPLICATIONINSIGHTS_CONNECTION_STRING out, or use OTEL_EXPORTER_OTLP_ENDPOINT.";

    /// <summary>Throws <see cref="NotSupportedException"/>.</summary>
    public static MeterProviderBuilder AddAzureMonitorMetricExporter(
        this MeterProviderBuilder builder, Action<AzureMonitorExporterOptions>? configure = null, TokenCredential? credential = null, string? name = null) => throw new NotSupportedException(Missing);

    /// <summary>Throws <see cref="NotSupportedException"/>.</summary>
    public static TracerProviderBuilder AddAzureMonitorTraceExporter(
        this TracerProviderBuilder builder, Action<AzureMonitorExporterOptions>? configure = null, TokenCredential? credential = null, string? name = null) => throw new NotSupportedException(Missing);
}
