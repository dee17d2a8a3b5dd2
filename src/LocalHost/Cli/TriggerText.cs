using System.Globalization;
using System.Text;
using Tidemark.Functions.Configuration;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Cli;

/// <summary>Puts the trigger intervals that the setting names into the description of pipelines.</summary>
internal static class TriggerText
{
    private const string Query = "query ";
    private const string Window = "  window ";
    private const string Trigger = "  trigger every ";

    /// <summary>The description with the interval of each query as it runs.</summary>
    /// <param name="text">What pipelines say of themselves.</param>
    /// <param name="intervals">The setting.</param>
    public static string Apply(string text, TriggerIntervals intervals)
    {
        var described = new StringBuilder();
        string? query = null;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!line.StartsWith(' '))
                query = line.StartsWith(Query, StringComparison.Ordinal) ? line[Query.Length..] : null;
            var isNamed = intervals.ByQuery.TryGetValue(query ?? "", out var every);
            // What the definition says does not count then.
            if (!line.StartsWith(Trigger, StringComparison.Ordinal) || (!isNamed && !intervals.AreOff))
                described.Append(line).Append('\n');
            if (isNamed && every > TimeSpan.Zero && line.StartsWith(Window, StringComparison.Ordinal))
                described.Append(CultureInfo.InvariantCulture, $"{Trigger}{every:c}, by {Names.QueryTriggers}\n");
        }

        return described.ToString();
    }
}
