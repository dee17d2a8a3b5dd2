using Microsoft.Extensions.Configuration;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Schemas;
using Tidemark.Functions;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;

namespace Tidemark.LocalHost.Cli;

/// <summary>The pipelines that settings name, for commands that ask what is computed and neither Kafka nor the ledger.</summary>
internal static class ConfiguredPipelines
{
    /// <summary>That of the main topic first. Services that the settings do not name are made up: nobody is asked.</summary>
    public static HostedPipelines Of(IConfigurationRoot settings)
    {
        if (settings[RunSettings.Brokers] is not { Length: > 0 })
            settings[RunSettings.Brokers] = "localhost:9092";
        if (settings[RunSettings.Storage] is not { Length: > 0 })
            settings[RunSettings.Storage] = "UseDevelopmentStorage=true";
        var options = TidemarkOptions.Read(settings);
        return Composition.Pipelines(options, ClickstreamPipeline.Create(options.ToEvents(), enrichment: options.ToEnrichment()), new EventSchemas());
    }
}
