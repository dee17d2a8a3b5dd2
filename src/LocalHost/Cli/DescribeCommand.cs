using System.CommandLine;
using Tidemark.Functions.Configuration;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>describe</c>: the pipelines as text, which is also the contract that a test holds it to.</summary>
internal static class DescribeCommand
{
    private static readonly string[] Heads = ["topic ", "table ", "query ", "stream "];

    public static Command Create(TextWriter output)
    {
        var name = new Argument<string?>("NAME") { Description = "A query, stream or table of any topic that is read, such as category_views; everything when left out", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("describe", "Print what is computed of each topic that is read: tables, queries and streams with their columns. Needs no data and starts nothing") { name };
        command.SetAction(parsed => output.Write(Section(TriggerText.Apply(Text(), TriggerIntervals.Read(new SettingReader(RunSettings.Read(new RunOptions())))), parsed.GetValue(name))));
        return command;
    }

    /// <summary>The part of a description that is about one name.</summary>
    /// <exception cref="SettingException">There is none.</exception>
    internal static string Section(string text, string? name)
    {
        if (name is null)
            return text;
        var sections = new List<(bool IsTopic, string Name, List<string> Lines)>();
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (Heads.FirstOrDefault(head => line.StartsWith(head, StringComparison.Ordinal)) is { } head)
                sections.Add((head == Heads[0], line[head.Length..].Split(' ')[0], []));
            sections[^1].Lines.Add(line);
        }

        var wanted = name.StartsWith("gold/", StringComparison.Ordinal) ? name["gold/".Length..] : name;
        // A topic may be called as a stream is.
        return sections.Where(s => s.Name == wanted).OrderBy(s => s.IsTopic).FirstOrDefault().Lines is { } lines ? string.Concat(lines.Select(l => l + "\n")) : throw new SettingException(
            $"There is no query, stream or table '{name}'; there are {string.Join(", ", sections.Where(s => !s.IsTopic).Select(s => s.Name))}.");
    }

    private static string Text() =>
        string.Concat(ConfiguredPipelines.Of(RunTopics.WithStarts(RunSettings.Build(new RunOptions(), usesEmulator: false, []))).All.Select(hosted => hosted.Pipeline.Describe()));
}
