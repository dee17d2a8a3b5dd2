using System.Globalization;

namespace Tidemark.Delta.Log;

/// <summary>Table properties of the protocol, with their defaults.</summary>
internal static class TableProperties
{
    private const string TransactionRetentionName = "delta.setTransactionRetentionDuration";

    private static readonly string[] Intervals = ["delta.deletedFileRetentionDuration", "delta.logRetentionDuration", TransactionRetentionName];

    private static readonly string[] Switches = ["delta.appendOnly", "delta.enableExpiredLogCleanup"];

    /// <summary>
    /// Properties about to be set. What this library looks at must make sense, and what would need more than reader 1 and writer 2 is refused by
    /// name; all others are kept for whoever understands them.
    /// </summary>
    public static void Check(IEnumerable<KeyValuePair<string, string>> properties, TableSchema schema, IReadOnlyList<string> partitionColumns)
    {
        foreach (var (name, value) in properties)
        {
            if (Needs(name, value) is { } feature)
                throw new DeltaUnsupportedException($"Table property {name}={value} needs {feature}, which is not supported here; this library writes tables of reader 1 and writer 2.");
            if (Intervals.Contains(name)) Interval(new Dictionary<string, string> { [name] = value }, name, default);
            if (Switches.Contains(name) && !bool.TryParse(value, out _)) throw Unfit(name, value, "true or false");
            if (name == "delta.checkpointInterval" && !(int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var commits) && commits > 0)) throw Unfit(name, value, "a number of commits above 0");
            if (name == IndexedColumns.CountName && !(int.TryParse(value, CultureInfo.InvariantCulture, out var leaves) && leaves >= -1)) throw Unfit(name, value, "a number of columns, or -1 for all");
            if (name == IndexedColumns.NamesName) IndexedColumns.CheckNames(value, schema, partitionColumns);
        }
    }

    private static string? Needs(string name, string value)
    {
        var on = !string.Equals(value, "false", StringComparison.OrdinalIgnoreCase);
        return name switch
        {
            "delta.enableChangeDataFeed" when on => "the change data feed",
            "delta.enableDeletionVectors" when on => "deletion vectors",
            "delta.enableRowTracking" when on => "row tracking",
            "delta.enableInCommitTimestamps" when on => "in-commit timestamps",
            "delta.enableTypeWidening" when on => "type widening",
            "delta.columnMapping.mode" when !string.Equals(value, "none", StringComparison.OrdinalIgnoreCase) => "column mapping",
            "delta.checkpointPolicy" when !string.Equals(value, "classic", StringComparison.OrdinalIgnoreCase) => "V2 checkpoints",
            "delta.minReaderVersion" or "delta.minWriterVersion" => "a change of protocol",
            _ when name.StartsWith("delta.constraints.", StringComparison.Ordinal) => "CHECK constraints",
            _ when name.StartsWith("delta.feature.", StringComparison.Ordinal) => "table features",
            _ when name.StartsWith("delta.enableIcebergCompat", StringComparison.Ordinal) && on => "Iceberg compatibility",
            _ => null,
        };
    }

    private static ArgumentException Unfit(string name, string value, string wanted) => new($"Table property {name} is '{value}'; it takes {wanted}.");

    public static TimeSpan DeletedFileRetention(IReadOnlyDictionary<string, string> configuration) =>
        Interval(configuration, "delta.deletedFileRetentionDuration", TimeSpan.FromDays(7));

    public static TimeSpan LogRetention(IReadOnlyDictionary<string, string> configuration) =>
        Interval(configuration, "delta.logRetentionDuration", TimeSpan.FromDays(30));

    /// <summary>How long an application that has not moved is remembered; null, the default, is for ever.</summary>
    public static TimeSpan? TransactionRetention(IReadOnlyDictionary<string, string> configuration) =>
        configuration.ContainsKey(TransactionRetentionName) ? Interval(configuration, TransactionRetentionName, default) : null;

    public static bool CleansLog(IReadOnlyDictionary<string, string> configuration) =>
        !(configuration.TryGetValue("delta.enableExpiredLogCleanup", out var text) && string.Equals(text, "false", StringComparison.OrdinalIgnoreCase));

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
