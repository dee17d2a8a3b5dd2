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
    public static HostedPipeline Find(IServiceProvider services, string name)
    {
        var all = services.GetRequiredService<HostedPipelines>().All;
        return all.FirstOrDefault(hosted => hosted.Name == name) ?? throw new SettingException($"No topic {name} is read here; there are {string.Join(", ", all.Select(h => h.Name))}.");
    }
}
