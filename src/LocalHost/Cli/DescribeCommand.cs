using System.CommandLine;
using Tidemark.Domain.Clickstream;
using Tidemark.Functions.Configuration;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>describe</c>: the pipeline as text, which is also the contract that a test holds it to.</summary>
internal static class DescribeCommand
{
    private static readonly string[] Heads = ["topic ", "table ", "query ", "stream "];

    public static Command Create(TextWriter output)
    {
        var name = new Argument<string?>("NAME") { Description = "A query, stream or table, such as category_views; everything when left out", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("describe", "Print what the pipeline computes: tables, queries and streams with their columns. Needs no data and starts nothing") { name };
        command.SetAction(parsed => output.Write(Section(TriggerText.Apply(Text(), TriggerIntervals.Read(new SettingReader(RunSettings.Read(new RunOptions())))), parsed.GetValue(name))));
        return command;
    }

    /// <summary>The part of a description that is about one name.</summary>
    /// <exception cref="SettingException">There is none.</exception>
    internal static string Section(string text, string? name)
    {
        if (name is null)
            return text;
        var sections = new List<(string Name, List<string> Lines)>();
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (Heads.FirstOrDefault(head => line.StartsWith(head, StringComparison.Ordinal)) is { } head)
                sections.Add((line[head.Length..].Split(' ')[0], []));
            sections[^1].Lines.Add(line);
        }

        var wanted = name.StartsWith("gold/", StringComparison.Ordinal) ? name["gold/".Length..] : name;
        return sections.Find(s => s.Name == wanted) is (_, { } lines) ? string.Concat(lines.Select(l => l + "\n")) : throw new SettingException(
            $"The pipeline has no query, stream or table '{name}'; it has {string.Join(", ", sections.Skip(1).Select(s => s.Name))}.");
    }

    private static string Text()
    {
        var settings = RunSettings.Build(new RunOptions(), usesEmulator: false, []);
        if (settings[RunSettings.Brokers] is not { Length: > 0 })
            settings[RunSettings.Brokers] = "localhost:9092"; // Nobody is asked.
        if (settings[RunSettings.Storage] is not { Length: > 0 })
            settings[RunSettings.Storage] = "UseDevelopmentStorage=true";
        var options = TidemarkOptions.Read(settings);
        return ClickstreamPipeline.Create(options.ToEvents(), enrichment: options.ToEnrichment()).Describe();
    }
}
