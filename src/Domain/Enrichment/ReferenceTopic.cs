using System.Globalization;
using System.Text;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Enrichment;

/// <summary>
/// Reference data as a compacted topic holds it: the key is the row's, the value a JSON object (see <see cref="ReferenceJson"/>). The newest record of a key wins, one
/// without value takes the row away. Newer is, in one partition, the greater offset; in two (partitions were added, a producer shared keys out otherwise), the greater
/// Kafka time, then the greater partition: so the rows do not depend on which partition was read first.
/// <para><b>Bad input.</b> A record that is no row changes nothing: the row stays as it was, and the record is named until a newer one of its key is good. Not thread-safe.</para>
/// </summary>
public sealed class ReferenceTopic(ReferenceSchema schema)
{
    private const int MostNamed = 3;
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);
    private readonly ReferenceBuilder rows = new(schema);
    private readonly Dictionary<string, Origin> newest = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (Origin Origin, string Text)> refused = new(StringComparer.Ordinal);

    /// <summary>Records that were refused, those mended since included.</summary>
    public long Refused { get; private set; }

    /// <summary>Takes a record; each partition's in the order of its offsets. What is wrong with it, or null.</summary>
    public string? Apply(int partition, in SourceRecord record)
    {
        string key;
        try
        {
            key = record.Key is { Length: > 0 } bytes ? Utf8.GetString(bytes) : "";
        }
        catch (DecoderFallbackException)
        {
            return Refuse($"{partition}/{record.Offset}", partition, record, "has a key that is no UTF-8");
        }
        if (key.Length == 0)
            return Refuse($"{partition}/{record.Offset}", partition, record, "has no key");
        var origin = new Origin(record.KafkaTimeMs, partition);
        if (newest.TryGetValue(key, out var known) && !origin.Follows(known))
            return null;
        var (values, fault) = record.Value is { } json ? ReferenceJson.Read(schema, json) : ([], null);
        if (record.Value is null)
            rows.Remove(key);
        else if ((fault ?? rows.TryPut(key, values)) is { } wrong)
            return Refuse(key, partition, record, $"of {schema.Key} '{key}' {wrong}");
        newest[key] = origin;
        if (refused.TryGetValue(key, out var bad) && origin.Follows(bad.Origin))
            refused.Remove(key);
        return null;
    }

    /// <summary>The rows as of the records taken so far.</summary>
    public ReferenceTable Build() => rows.Build();

    /// <summary>The refused records that nothing newer mended, by name; null = none.</summary>
    public string? Complaint => refused.Count == 0 ? null : string.Create(CultureInfo.InvariantCulture,
        $"{refused.Count} record{(refused.Count == 1 ? " is" : "s are")} no row of the {schema.Title}: {string.Join("; ", refused.Values.Select(r => r.Text).Order(StringComparer.Ordinal).Take(MostNamed))}{(refused.Count > MostNamed ? "; …" : "")}.");

    private string Refuse(string name, int partition, in SourceRecord record, string wrong)
    {
        Refused++;
        var (origin, text) = (new Origin(record.KafkaTimeMs, partition), string.Create(CultureInfo.InvariantCulture, $"partition {partition}, offset {record.Offset} {wrong}"));
        if (!refused.TryGetValue(name, out var before) || origin.Follows(before.Origin))
            refused[name] = (origin, text);
        return text;
    }

    private readonly record struct Origin(long TimeMs, int Partition)
    {
        public bool Follows(Origin other) => Partition == other.Partition || TimeMs > other.TimeMs || (TimeMs == other.TimeMs && Partition > other.Partition);
    }
}
