using System.Globalization;

namespace Tidemark.Delta.Log;

/// <summary>Table properties of the protocol, with their defaults.</summary>
internal static class TableProperties
{
    public static TimeSpan DeletedFileRetention(IReadOnlyDictionary<string, string> configuration) =>
        Interval(configuration, "delta.deletedFileRetentionDuration", TimeSpan.FromDays(7));

    public static TimeSpan LogRetention(IReadOnlyDictionary<string, string> configuration) =>
        Interval(configuration, "delta.logRetentionDuration", TimeSpan.FromDays(30));

    public static int CheckpointInterval(IReadOnlyDictionary<string, string> configuration) =>
        configuration.TryGetValue("delta.checkpointInterval", out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var commits) && commits > 0 ? commits : 10;

    public static bool AppendOnly(IReadOnlyDictionary<string, string> configuration) =>
        configuration.TryGetValue("delta.appendOnly", out var text) && string.Equals(text, "true", StringComparison.OrdinalIgnoreCase);

    // Spark's form: "interval 7 days", "interval 1 week 2 hours".
    private static TimeSpan Interval(IReadOnlyDictionary<string, string> configuration, string name, TimeSpan otherwise)
    {
        if (!configuration.TryGetValue(name, out var text)) return otherwise;
        var words = text.ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var from = words.Length > 0 && words[0] == "interval" ? 1 : 0;
        var total = TimeSpan.Zero;
        for (var i = from; i < words.Length; i += 2)
        {
            if (i + 1 >= words.Length || !double.TryParse(words[i], CultureInfo.InvariantCulture, out var count)) throw Unknown(name, text);
            total += words[i + 1].TrimEnd('s') switch
            {
                "week" => TimeSpan.FromDays(7 * count),
                "day" => TimeSpan.FromDays(count),
                "hour" => TimeSpan.FromHours(count),
                "minute" => TimeSpan.FromMinutes(count),
                "second" => TimeSpan.FromSeconds(count),
                "millisecond" => TimeSpan.FromMilliseconds(count),
                _ => throw Unknown(name, text),
            };
        }

        return words.Length > from ? total : throw Unknown(name, text);
    }

    private static DeltaFormatException Unknown(string name, string text) =>
        new($"Table property {name} is '{text}', which is no interval; write it as 'interval 7 days'.");
}
