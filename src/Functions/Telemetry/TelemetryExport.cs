using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Telemetry;

/// <summary>
/// Sends metrics and spans where settings say: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> (with OpenTelemetry's other variables for headers and protocol) and
/// <c>APPLICATIONINSIGHTS_CONNECTION_STRING</c>; with neither nothing is collected. Ends with the host, after what is left was sent.
/// </summary>
internal sealed class TelemetryExport(IConfiguration configuration, TidemarkOptions options, PipelineMetrics metrics, ILogger<TelemetryExport> logger) : IHostedService, IDisposable
{
    public const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";
    public const string AzureMonitor = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    public const string Authentication = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
    private MeterProvider? _meters;
    private TracerProvider? _traces;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The instruments exist before anybody collects them.
        _ = metrics;
        var (otlp, monitor) = (configuration[Otlp], configuration[AzureMonitor]);
        if (string.IsNullOrEmpty(otlp) && string.IsNullOrEmpty(monitor))
            return Task.CompletedTask;
        var resource = ResourceBuilder.CreateDefault().AddService("tidemark", serviceNamespace: null, serviceVersion: "0.1.0")
            .AddAttributes([new("tidemark.pipeline", options.Id.ToString())]);
        var meters = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Metrics.Meter);
        var traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(TidemarkTrace.Name, LedgerTrace.Name);
        if (!string.IsNullOrEmpty(otlp))
        {
            if (!Uri.TryCreate(otlp, UriKind.Absolute, out var endpoint))
                throw new InvalidSettingException(Otlp, $"is '{otlp}', which is no address; it should be one such as http://localhost:4317.");
            var http = string.Equals(configuration["OTEL_EXPORTER_OTLP_PROTOCOL"], "http/protobuf", StringComparison.OrdinalIgnoreCase);
            meters.AddOtlpExporter(o => Set(o, endpoint, http, "v1/metrics"));
            traces.AddOtlpExporter(o => Set(o, endpoint, http, "v1/traces"));
        }

        if (!string.IsNullOrEmpty(monitor))
        {
            var credential = Credential();
            meters.AddAzureMonitorMetricExporter(o => (o.ConnectionString, o.Credential) = (monitor, credential));
            traces.AddAzureMonitorTraceExporter(o => (o.ConnectionString, o.Credential) = (monitor, credential));
        }

        (_meters, _traces) = (meters.Build(), traces.Build());
        logger.LogInformation("Metrics and traces go to {Targets}.", string.Join(" and ", new[] { otlp, string.IsNullOrEmpty(monitor) ? null : "Application Insights" }.Where(t => !string.IsNullOrEmpty(t))));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _meters?.ForceFlush(5000);
        _traces?.ForceFlush(5000);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _meters?.Dispose();
        _traces?.Dispose();
    }

    /// <summary>An identity where <c>APPLICATIONINSIGHTS_AUTHENTICATION_STRING</c> says <c>Authorization=AAD</c>, of that <c>ClientId</c> or the system's.</summary>
    private DefaultAzureCredential? Credential()
    {
        var parts = (configuration[Authentication] ?? "").Split(';').Select(p => p.Split('=', 2)).Where(p => p.Length == 2).ToLookup(p => p[0].Trim(), p => p[1].Trim(), StringComparer.OrdinalIgnoreCase);
        return parts["Authorization"].Contains("AAD", StringComparer.OrdinalIgnoreCase)
            ? new DefaultAzureCredential(new DefaultAzureCredentialOptions { ManagedIdentityClientId = parts["ClientId"].FirstOrDefault() })
            : null;
    }

    private static void Set(OpenTelemetry.Exporter.OtlpExporterOptions exporter, Uri endpoint, bool http, string path)
    {
        exporter.Protocol = http ? OpenTelemetry.Exporter.OtlpExportProtocol.HttpProtobuf : OpenTelemetry.Exporter.OtlpExportProtocol.Grpc;
        // Over HTTP the variable names the base of the address; an address set in code is taken as it is.
        exporter.Endpoint = http ? new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/" + path) : endpoint;
    }
}
