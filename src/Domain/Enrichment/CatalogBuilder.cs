using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Enrichment;

/// <summary>Collects the products of a <see cref="Catalog"/>. Of several with one id the last counts. Not thread-safe.</summary>
public sealed class CatalogBuilder
{
    internal const long NoPrice = long.MinValue;
    private readonly Dictionary<string, Product> products = new(StringComparer.Ordinal);

    /// <summary>A hash of all products, whatever their order.</summary>
    internal ulong Fingerprint { get; private set; }

    /// <summary>Adds a product. Null and empty are the same.</summary>
    /// <param name="productId">As events name it; not empty.</param>
    /// <param name="name">Name.</param>
    /// <param name="brand">Brand.</param>
    /// <param name="category">Category.</param>
    /// <param name="price">Price; rounded to four decimals, away from zero.</param>
    /// <exception cref="ArgumentException">The id is empty, or the price has more than 14 digits before the point.</exception>
    public void Add(string productId, string? name, string? brand, string? category, decimal? price)
    {
        if (string.IsNullOrEmpty(productId))
            throw new ArgumentException("A product has no product_id.", nameof(productId));
        if (price is { } given && Math.Abs(given) >= 100_000_000_000_000m)
            throw new ArgumentException($"Product {productId} has the price {given}, which does not fit; give at most 14 digits before the point.", nameof(price));
        var scaled = price is { } value ? (long)Math.Round(value * 10_000, MidpointRounding.AwayFromZero) : NoPrice;
        products[productId] = new Product(name ?? "", brand ?? "", category ?? "", scaled);
    }

    /// <summary>The catalog.</summary>
    public Catalog Build()
    {
        var (ids, brands, categories) = (new StringTable(), new StringTable(), new StringTable());
        var names = new Utf8ColumnBuilder();
        var (brandOf, categoryOf, prices) = (new int[products.Count], new int[products.Count], new long[products.Count]);
        var row = new ByteWriter();
        Fingerprint = 0;
        foreach (var (id, product) in products)
        {
            var number = ids.Intern(Encoding.UTF8.GetBytes(id), out _);
            names.Append(Encoding.UTF8.GetBytes(product.Name));
            brandOf[number] = brands.Intern(Encoding.UTF8.GetBytes(product.Brand), out _);
            categoryOf[number] = categories.Intern(Encoding.UTF8.GetBytes(product.Category), out _);
            prices[number] = product.Price;
            row.Clear();
            row.Text(id);
            row.Text(product.Name);
            row.Text(product.Brand);
            row.Text(product.Category);
            row.Zigzag(product.Price);
            unchecked
            {
                Fingerprint += Hash64.Of(row.Written);
            }
        }
        return new Catalog(this, ids, names.BuildUtf8(), brands, brandOf, categories, categoryOf, prices);
    }

    private readonly record struct Product(string Name, string Brand, string Category, long Price);
}
