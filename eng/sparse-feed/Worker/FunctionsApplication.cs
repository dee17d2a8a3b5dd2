using System.Text.Json;
using Azure.Core.Serialization;
using Microsoft.Azure.Functions.Worker.Invocation;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Microsoft.Azure.Functions.Worker.Builder;

public class FunctionsApplication
{
    private FunctionsApplication()
    {
    }

    public static FunctionsApplicationBuilder CreateBuilder(string[] args) => new(args);
}

/// <summary>
/// A generic host without the channel to the Functions host. <see cref="Build"/> registers the middleware pipeline as a
/// <see cref="FunctionExecutionDelegate"/>; a host that embeds the functions resolves it and registers an
/// <see cref="IFunctionExecutor"/>.
/// </summary>
public class FunctionsApplicationBuilder : IHostApplicationBuilder, IFunctionsWorkerApplicationBuilder
{
    private readonly HostApplicationBuilder host;
    private readonly Pipeline pipeline = new();
    private bool built;

    internal FunctionsApplicationBuilder(string[] args)
    {
        host = new HostApplicationBuilder(new HostApplicationBuilderSettings { Args = args });
        foreach (var console in host.Services.Where(s => s.ImplementationType == typeof(ConsoleLoggerProvider)).ToList())
            host.Services.Remove(console);
        host.Services.Configure<JsonSerializerOptions>(json => json.PropertyNameCaseInsensitive = true);
        host.Services.AddOptions<WorkerOptions>().PostConfigure<IOptions<JsonSerializerOptions>>(
            (options, json) => options.Serializer ??= new JsonObjectSerializer(json.Value));
    }

    public IDictionary<object, object> Properties => ((IHostApplicationBuilder)host).Properties;

    public ConfigurationManager Configuration => host.Configuration;

    IConfigurationManager IHostApplicationBuilder.Configuration => host.Configuration;

    public IHostEnvironment Environment => host.Environment;

    public ILoggingBuilder Logging => host.Logging;

    public IMetricsBuilder Metrics => host.Metrics;

    public IServiceCollection Services => host.Services;

    public IHost Build()
    {
        if (built)
            throw new InvalidOperationException("The application has been built already; make another builder.");
        built = true;
        Services.AddSingleton(pipeline.Build());
        return host.Build();
    }

    public void ConfigureContainer<TContainerBuilder>(
        IServiceProviderFactory<TContainerBuilder> factory, Action<TContainerBuilder>? configure = null)
        where TContainerBuilder : notnull => host.ConfigureContainer(factory, configure);

    public IFunctionsWorkerApplicationBuilder Use(Func<FunctionExecutionDelegate, FunctionExecutionDelegate> middleware)
    {
        pipeline.Use(middleware);
        return this;
    }
}
