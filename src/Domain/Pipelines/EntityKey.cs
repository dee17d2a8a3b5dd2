using System.Globalization;

namespace Tidemark.Domain.Pipelines;

/// <summary>
/// Names one entity within a pipeline: the span of window slices that start in [<see cref="Start"/>, Start + span) of one bundle of queries.
/// The text form is <c>{bundle}/{start}</c>.
/// </summary>
/// <param name="Bundle">Bundle of queries that share the entity, e.g. <c>5m</c>.</param>
/// <param name="Start">First millisecond (UTC) of the span.</param>
public readonly record struct EntityKey(string Bundle, long Start) : IComparable<EntityKey>
{
    /// <summary>Reads the text form; throws <see cref="FormatException"/> otherwise.</summary>
    public static EntityKey Parse(string text)
    {
        var cut = text.LastIndexOf('/');
        return cut > 0 && long.TryParse(text.AsSpan(cut + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var start)
            ? new EntityKey(text[..cut], start)
            : throw new FormatException($"'{text}' is no entity key; it should read bundle/start.");
    }

    /// <inheritdoc/>
    public int CompareTo(EntityKey other) =>
        string.CompareOrdinal(Bundle, other.Bundle) is var c and not 0 ? c : Start.CompareTo(other.Start);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Bundle}/{Start}");
}
