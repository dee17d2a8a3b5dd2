using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Hosting;

/// <summary>What an embedded host runs.</summary>
internal sealed record HostPlan
{
    /// <summary>Types whose methods are looked through for functions.</summary>
    public required IEnumerable<Type> FunctionTypes { get; init; }

    /// <summary>App settings, complete.</summary>
    public required IConfiguration Settings { get; init; }

    public required HostJson Host { get; init; }

    /// <summary>Folder of the entity store, keys and timer states; it must exist.</summary>
    public required string DataFolder { get; init; }

    /// <summary>File of the entity store in that folder.</summary>
    public string EntityFile { get; init; } = "entities.db";

    /// <summary>HTTP port on the loopback address; 0 = any free one.</summary>
    public required int Port { get; init; }

    /// <summary>Registers what the functions need.</summary>
    public required Action<IServiceCollection, IConfiguration> Compose { get; init; }

    public Action<ILoggingBuilder> Logging { get; init; } = _ => { };

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long a running batch or timer may go on after a stop before it is cancelled.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);
}
