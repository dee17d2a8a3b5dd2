using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Enrichment;

/// <summary>
/// The products of a shop as they were at one moment; never changes, so any number of threads may look things up.
/// <para><b>Memory</b> (see <see cref="Bytes"/>): with ids of 10 and names of 30 bytes 100 to 150 bytes a product, so a million take up to 150 MB; while another version is
/// loaded about five times as much for a moment.</para>
/// </summary>
public sealed class Catalog
{
    /// <summary>Categories that have a slug of their own; beyond them the smallest share <see cref="OtherSlug"/>.</summary>
    public const int MaxSlugs = 32;

    /// <summary>Slug of categories that are not among the largest.</summary>
    public const string OtherSlug = "other";

    /// <summary>Slug of events of no product of the catalog, or of one without category.</summary>
    public const string NoSlug = "none";

    private readonly StringTable ids;
    private readonly Utf8Column names;
    private readonly StringTable brands, categories;
    private readonly int[] brandOf, categoryOf;
    private readonly string[] slugs;
    private readonly long[] prices;

    internal Catalog(CatalogBuilder from, StringTable ids, Utf8Column names, StringTable brands, int[] brandOf, StringTable categories, int[] categoryOf, long[] prices)
    {
        (this.ids, this.names, this.brands, this.brandOf) = (ids, names, brands, brandOf);
        (this.categories, this.categoryOf, this.prices) = (categories, categoryOf, prices);
        Version = from.Fingerprint.ToString("x16", CultureInfo.InvariantCulture);
        slugs = Slugs();
        Bytes = ids.Bytes + brands.Bytes + categories.Bytes + names.Heap.LongLength + names.Offsets.LongLength * 4 + Count * 16L;
    }

    /// <summary>A hash of the content: the same products give the same version, wherever and in whatever order they were loaded.</summary>
    public string Version { get; }

    /// <summary>Number of products.</summary>
    public int Count => ids.Count;

    /// <summary>Memory that it takes.</summary>
    public long Bytes { get; }

    /// <summary>Number of the product with this id, or −1.</summary>
    public int Find(ReadOnlySpan<byte> productId) => ids.Find(productId, Hash64.Of(productId));

    /// <summary>Name of a product; empty for none.</summary>
    public ReadOnlySpan<byte> Name(int product) => names[product];

    /// <summary>Brand of a product; empty for none.</summary>
    public ReadOnlySpan<byte> Brand(int product) => brands[brandOf[product]];

    /// <summary>Category of a product; empty for none.</summary>
    public ReadOnlySpan<byte> Category(int product) => categories[categoryOf[product]];

    /// <summary>Category as part of a path: <c>Home &amp; Kitchen</c> is <c>home-kitchen</c>.</summary>
    public string Slug(int product) => slugs[categoryOf[product]];

    /// <summary>Price in units of 10⁻⁴, or null.</summary>
    public long? Price(int product) => prices[product] == CatalogBuilder.NoPrice ? null : prices[product];

    /// <summary>Of each category; those with most products first come by theirs.</summary>
    private string[] Slugs()
    {
        var sizes = new int[categories.Count];
        foreach (var category in categoryOf)
            sizes[category]++;
        var taken = new HashSet<string>(StringComparer.Ordinal) { OtherSlug, NoSlug };
        var result = new string[categories.Count];
        var order = Enumerable.Range(0, categories.Count).OrderByDescending(c => sizes[c]).ThenBy(c => Encoding.UTF8.GetString(categories[c]), StringComparer.Ordinal);
        foreach (var category in order)
        {
            var slug = SlugOf(Encoding.UTF8.GetString(categories[category]));
            result[category] = taken.Contains(slug) ? slug : taken.Count < MaxSlugs ? slug : OtherSlug;
            taken.Add(result[category]);
        }
        return result;
    }

    /// <summary>Letters and digits of ASCII in lower case, all else as single hyphens; at most 40 characters.</summary>
    private static string SlugOf(string category)
    {
        var slug = new StringBuilder();
        foreach (var c in category.ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(c))
                slug.Append(c);
            else if (slug.Length > 0 && slug[^1] != '-')
                slug.Append('-');
            if (slug.Length == 40)
                break;
        }
        var text = slug.ToString().Trim('-');
        return text.Length > 0 ? text : category.Length == 0 ? NoSlug : OtherSlug;
    }
}
