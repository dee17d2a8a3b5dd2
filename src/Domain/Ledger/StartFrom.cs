using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Where a pipeline begins on its first start: <c>earliest</c>, <c>latest</c>, a time of Kafka (<c>2026-11-01T00:00:00Z</c>, as Spark's
/// startingTimestamp), or an offset for every partition (<c>0:120,1:4500</c> or <c>{"0":120,"1":4500}</c>, −2 being earliest and −1 latest, as Spark's
/// startingOffsets). Noted in meta with the offsets that came of it, and never looked at again. Partitions that appear later begin at their log start.
/// </summary>
public sealed partial class StartFrom : IEquatable<StartFrom>
{
    private const long EarliestOffset = -2;
    private const long LatestOffset = -1;

    private readonly string _text;

    private StartFrom(string text) => _text = text;

    /// <summary>At the first record that is still there.</summary>
    public static StartFrom Earliest { get; } = new("earliest");

    /// <summary>At the log end of the first start.</summary>
    public static StartFrom Latest { get; } = new("latest");

    /// <summary>Name of the setting that it came from, for messages.</summary>
    public string Setting { get; private init; } = nameof(StartFrom);

    /// <summary>At the first record of each partition with this Kafka time, ms, or a later one; null = not by time.</summary>
    public long? TimeMs { get; private init; }

    /// <summary>By partition its offset; null = not by offsets.</summary>
    public IReadOnlyDictionary<int, long>? Offsets { get; private init; }

    /// <summary>Begins at this Kafka time, ms.</summary>
    public static StartFrom Time(long timeMs) => new(Text(timeMs)) { TimeMs = timeMs };

    /// <summary>Begins at these offsets.</summary>
    public static StartFrom At(IReadOnlyDictionary<int, long> offsets) => new(string.Join(',', offsets.OrderBy(o => o.Key).Select(o => Invariant($"{o.Key}:{o.Value}")))) { Offsets = offsets };

    /// <summary>Reads what <see cref="ToString"/> writes and the other forms.</summary>
    /// <exception cref="FormatException">The text is none of the forms; the message says what is wrong with it.</exception>
    public static StartFrom Parse(string text, string setting = nameof(StartFrom))
    {
        var read = Read(text.Trim());
        return new(read._text) { TimeMs = read.TimeMs, Offsets = read.Offsets, Setting = setting };
    }

    private static StartFrom Read(string text)
    {
        if (text.Equals(Earliest._text, StringComparison.OrdinalIgnoreCase))
            return Earliest;
        if (text.Equals(Latest._text, StringComparison.OrdinalIgnoreCase))
            return Latest;
        if (text.StartsWith('{'))
            return At(Json(text));
        // Only a date has hyphens behind its digits; an offset of -1 has one before it.
        return Date().IsMatch(text) ? Time(Moment(text)) : At(Pairs(text));
    }

    /// <summary>The offset that each of these partitions begins at.</summary>
    /// <param name="log">The topic.</param>
    /// <param name="partitions">All of its partitions.</param>
    /// <param name="nowMs">The time now, ms since 1970.</param>
    /// <param name="cancel">Cancellation.</param>
    /// <exception cref="StartException">The topic does not have what was asked for; nothing was begun.</exception>
    public async Task<IReadOnlyDictionary<int, long>> ResolveAsync(ITopicLog log, IReadOnlyList<int> partitions, long nowMs, CancellationToken cancel)
    {
        if (Offsets is { } named)
            Check(named, partitions);
        if (TimeMs > nowMs)
            throw new StartException($"{Setting} is {this}, which is yet to come, and what is written until then would be read too: give a time that has passed, or latest.");
        var starts = new Dictionary<int, long>();
        foreach (var partition in partitions)
            starts[partition] = await ResolveAsync(log, partition, cancel);
        return starts;
    }

    /// <inheritdoc/>
    public bool Equals(StartFrom? other) => other?._text == _text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as StartFrom);

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The same text for the same start, whatever it was read from.</summary>
    public override string ToString() => _text;

    private async Task<long> ResolveAsync(ITopicLog log, int partition, CancellationToken cancel)
    {
        if (TimeMs is { } time)
            return await log.OffsetAtAsync(partition, time, cancel);
        var bounds = await log.BoundsAsync(partition, cancel);
        var offset = Offsets?[partition] ?? (Equals(Latest) ? LatestOffset : EarliestOffset);
        // Offsets that retention has removed are begun at all the same: the hole is then found, recorded and alerted like any other loss.
        return offset switch
        {
            EarliestOffset => bounds.Start,
            LatestOffset => bounds.End,
            _ when offset <= bounds.End => offset,
            _ => throw new StartException(Invariant(
                $"{Setting} names offset {offset} of partition {partition}, which ends at {bounds.End}: name one of {bounds.Start} to {bounds.End}, or -1 for its end.")) { MayYetCome = true },
        };
    }

    private void Check(IReadOnlyDictionary<int, long> named, IReadOnlyList<int> partitions)
    {
        var (lacking, unknown) = (partitions.Except(named.Keys).Order().ToList(), named.Keys.Except(partitions).Order().ToList());
        if (lacking.Count > 0)
            throw new StartException($"{Setting} names no offset for partition {string.Join(", ", lacking)}: name one for each, -2 for its first record that is still there, -1 for its end.");
        if (unknown.Count > 0)
            throw new StartException($"{Setting} names an offset for partition {string.Join(", ", unknown)}, which the topic does not have: it has {string.Join(", ", partitions)}.");
    }

    private static long Moment(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUnixTimeMilliseconds()
            : throw new FormatException($"'{text}' is no time; write it as 2026-11-01T00:00:00Z");

    private static Dictionary<int, long> Pairs(string text)
    {
        var offsets = new Dictionary<int, long>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
            if (part.Split(':', StringSplitOptions.TrimEntries) is [var partition, var offset])
                Add(offsets, partition, offset, part);
            else
                throw new FormatException($"'{part}' is no partition with its offset; write 0:120,1:4500, a time as 2026-11-01T00:00:00Z, earliest or latest");
        return offsets;
    }

    private static Dictionary<int, long> Json(string text)
    {
        var offsets = new Dictionary<int, long>();
        try
        {
            using var json = JsonDocument.Parse(text);
            foreach (var part in json.RootElement.EnumerateObject())
                Add(offsets, part.Name, part.Value.GetRawText(), part.ToString());
        }
        catch (JsonException)
        {
            throw new FormatException($"'{text}' is not JSON; write {{\"0\":120,\"1\":4500}}");
        }

        return offsets.Count > 0 ? offsets : throw new FormatException("it names no partition; write {\"0\":120,\"1\":4500}");
    }

    private static void Add(Dictionary<int, long> offsets, string partition, string offset, string part)
    {
        if (!int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || !long.TryParse(offset, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var at) || at < EarliestOffset)
            throw new FormatException($"'{part}' is no partition with its offset; write whole numbers, as in 0:120, with -2 for the first record that is still there and -1 for the end");
        if (!offsets.TryAdd(number, at))
            throw new FormatException(Invariant($"partition {number} is named twice; name it once"));
    }

    private static string Text(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFZ", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\d+-")]
    private static partial Regex Date();

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
