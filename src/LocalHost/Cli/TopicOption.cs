using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>--topic</c>: which of the topics that are read a command is about.</summary>
internal static class TopicOption
{
    /// <summary>The option; without it the main topic is meant.</summary>
    public static Option<string> Create() => new("--topic")
    {
        Description = $"Of this topic: {string.Join(", ", RunTopics.InputNames)}", DefaultValueFactory = _ => HostedPipelines.Main, HelpName = "NAME",
    };

    /// <summary>What is computed over the topic.</summary>
    /// <exception cref="SettingException">It is not read.</exception>
    public static HostedPipeline Find(IServiceProvider services, string name) => Find(services.GetRequiredService<HostedPipelines>(), name);

    /// <inheritdoc cref="Find(IServiceProvider, string)"/>
    public static HostedPipeline Find(HostedPipelines pipelines, string name)
    {
        // What joins two topics is no topic.
        var all = pipelines.All.Where(hosted => RunTopics.InputNames.Contains(hosted.Name)).ToList();
        return all.FirstOrDefault(hosted => hosted.Name == name) ?? throw new SettingException($"No topic {name} is read here; there are {string.Join(", ", all.Select(h => h.Name))}.");
    }
}
