using System.Globalization;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Enrichment;

/// <summary>
/// Reference data, such as the products of a shop, as it was at one moment; never changes, so any number of threads may look things up.
/// <para><b>Memory</b> (see <see cref="Bytes"/>): with ids of 10 and names of 30 bytes 100 to 150 bytes a product, so a million take up to 150 MB; while another version is
/// loaded about five times as much for a moment.</para>
/// </summary>
public sealed class ReferenceTable
{
    /// <summary>Slug of rows whose label is not among the largest.</summary>
    public const string OtherSlug = CategorySlugs.Other;

    /// <summary>Slug of events whose key is not there, or of a row without label.</summary>
    public const string NoSlug = CategorySlugs.None;

    private readonly StringTable keys;
    private readonly ReferenceValues[] values;
    private readonly string[]? slugs;
    private readonly int slugColumn;

    internal ReferenceTable(ReferenceSchema schema, ulong fingerprint, StringTable keys, ReferenceValues[] values, RepeatedKeys repeated)
    {
        (Schema, this.keys, this.values, Repeated) = (schema, keys, values, repeated);
        Version = fingerprint.ToString("x16", CultureInfo.InvariantCulture);
        Bytes = keys.Bytes + values.Sum(v => v.Bytes);
        slugColumn = schema.Columns.ToList().FindIndex(c => c.Name == schema.SlugOf);
        if (slugColumn >= 0)
            slugs = CategorySlugs.Of(values[slugColumn].Labels!, values[slugColumn].LabelOf!);
    }

    /// <summary>What it has.</summary>
    public ReferenceSchema Schema { get; }

    /// <summary>A hash of the content: the same rows give the same version, wherever and in whatever order they were loaded.</summary>
    public string Version { get; }

    /// <summary>Number of rows.</summary>
    public int Count => keys.Count;

    /// <summary>What it was made from and does not have, since the last row of a key counts.</summary>
    public RepeatedKeys Repeated { get; }

    /// <summary>Memory that it takes.</summary>
    public long Bytes { get; }

    /// <summary>Number of the row with this key, or −1.</summary>
    public int Find(ReadOnlySpan<byte> key) => keys.Find(key, Hash64.Of(key));

    /// <summary>Text of a row in a column of names or labels; empty for none.</summary>
    public ReadOnlySpan<byte> Text(int row, int column) => values[column].Text(row);

    /// <summary>Number of a row in another column, or null: a price in units of 10⁻⁴, a date in days since 1970-01-01.</summary>
    public long? Number(int row, int column) => values[column].Number(row);

    /// <summary>The slug of a row, see <see cref="ReferenceSchema.SlugOf"/>: <c>Home &amp; Kitchen</c> is <c>home-kitchen</c>.</summary>
    public string Slug(int row) => slugs is null ? NoSlug : slugs[values[slugColumn].LabelOf![row]];
}

/// <summary>Rows whose key came before in the same table.</summary>
/// <param name="Rows">Their number.</param>
/// <param name="First">Key of the first; null = there is none.</param>
public readonly record struct RepeatedKeys(int Rows, string? First);

/// <summary>The values of one column, in the form that its type suggests.</summary>
internal sealed class ReferenceValues
{
    public const long NoNumber = long.MinValue;

    public Utf8Column? Names { get; init; }

    public StringTable? Labels { get; init; }

    public int[]? LabelOf { get; init; }

    public long[]? Numbers { get; init; }

    public long Bytes => (Names is null ? 0 : Names.Heap.LongLength + Names.Offsets.LongLength * 4) + (Labels?.Bytes ?? 0) + (LabelOf?.LongLength * 4 ?? 0) + (Numbers?.LongLength * 8 ?? 0);

    public ReadOnlySpan<byte> Text(int row) => Names is { } names ? names[row] : Labels![LabelOf![row]];

    public long? Number(int row) => Numbers![row] is var number and not NoNumber ? number : null;
}
