using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Enrichment;

/// <summary>
/// What a catalog says of the events of a batch, as columns. Every distinct product of the batch is looked up once; rows then only map codes. Memory
/// is kept from batch to batch; what a call returns is valid until the next one. Not thread-safe.
/// </summary>
internal sealed class CatalogColumns
{
    /// <summary>The columns of <see cref="Build"/>, in order.</summary>
    public static IReadOnlyList<RowField> Fields { get; } =
    [
        new("catalog_name", FieldType.String),
        new("catalog_brand", FieldType.String),
        new("catalog_category", FieldType.String),
        new("catalog_price", FieldType.Decimal, true, 18, 4),
        new("catalog_version", FieldType.String),
        new("category_slug", FieldType.String, false),
    ];

    private readonly Texts names = new(), brands = new(), categories = new(), slugs = new();
    private readonly Int64ColumnBuilder prices = new();
    private readonly DictionaryColumnBuilder version = new();
    private int[] productOf = [];
    private int[] rows = [];

    /// <summary>Rows whose product is in the catalog, ascending; of the batch last given to <see cref="LookUp"/>.</summary>
    public ReadOnlySpan<int> Matched => rows.AsSpan(0, MatchedCount);

    /// <summary>Number of <see cref="Matched"/>.</summary>
    public int MatchedCount { get; private set; }

    /// <summary>Finds the product of every row.</summary>
    public void LookUp(DictionaryColumn products, Catalog? catalog)
    {
        Grow(ref productOf, products.Dictionary.Count);
        Grow(ref rows, products.Count);
        for (var code = 0; code < products.Dictionary.Count; code++)
            productOf[code] = catalog?.Find(products.Dictionary[code]) ?? -1;
        MatchedCount = 0;
        for (var row = 0; row < products.Count; row++)
            if (!products.IsNull(row) && productOf[products.Codes[row]] >= 0)
                rows[MatchedCount++] = row;
    }

    /// <summary>The columns for rows of the products last looked up.</summary>
    public Column[] Build(DictionaryColumn products, Catalog? catalog)
    {
        var count = products.Dictionary.Count;
        foreach (var texts in new[] { names, brands, categories, slugs })
            texts.Begin(count);
        for (var code = 0; code < count && catalog is not null; code++)
            if (productOf[code] is var product and >= 0)
            {
                names.Set(code, catalog.Name(product));
                brands.Set(code, catalog.Brand(product));
                categories.Set(code, catalog.Category(product));
                slugs.Set(code, Encoding.UTF8.GetBytes(catalog.Slug(product)));
            }
        prices.Reset();
        for (var row = 0; row < products.Count; row++)
            if (catalog is not null && !products.IsNull(row) && productOf[products.Codes[row]] is var product and >= 0 && catalog.Price(product) is { } price)
                prices.Append(price);
            else
                prices.AppendNull();
        version.Reset();
        if (catalog is not null)
            version.AppendMany(Encoding.UTF8.GetBytes(catalog.Version), products.Count);
        else
            for (var row = 0; row < products.Count; row++)
                version.AppendNull();
        return [names.Of(products), brands.Of(products), categories.Of(products), prices.Build(), version.Build(), slugs.Of(products, Catalog.NoSlug)];
    }

    private static void Grow(ref int[] array, int length)
    {
        if (array.Length < length)
            array = new int[Math.Max(length, array.Length * 2)];
    }

    /// <summary>One text per product of a batch.</summary>
    private sealed class Texts
    {
        private readonly StringTable distinct = new();
        private readonly Utf8ColumnBuilder dictionary = new();
        private readonly DictionaryCodes codes = new();
        private int[] textOf = [];

        public void Begin(int products)
        {
            distinct.Clear();
            dictionary.Reset();
            Grow(ref textOf, products);
            textOf.AsSpan(0, products).Fill(-1);
        }

        /// <summary>The text of a product; an empty one is none.</summary>
        public void Set(int product, ReadOnlySpan<byte> text)
        {
            if (text.Length > 0)
                textOf[product] = Intern(text);
        }

        /// <summary>The text of each row's product; where there is none <paramref name="otherwise"/>, or null.</summary>
        public DictionaryColumn Of(DictionaryColumn products, string? otherwise = null)
        {
            var none = otherwise is null ? -1 : Intern(Encoding.UTF8.GetBytes(otherwise));
            codes.Begin(products.Count);
            for (var row = 0; row < products.Count; row++)
            {
                var text = products.IsNull(row) ? -1 : textOf[products.Codes[row]];
                codes.Append(text >= 0 ? text : none);
            }
            return codes.Build(dictionary.BuildUtf8());
        }

        private int Intern(ReadOnlySpan<byte> text)
        {
            var number = distinct.Intern(text, Hash64.Of(text), out var isNew);
            if (isNew)
                dictionary.Append(text);
            return number;
        }
    }

    /// <summary>Codes of rows, −1 for null.</summary>
    private sealed class DictionaryCodes
    {
        private int[] codes = [];
        private NullBits nulls;
        private int count;

        public void Begin(int rows)
        {
            Grow(ref codes, rows);
            nulls.Clear();
            count = 0;
        }

        public void Append(int code)
        {
            if (code < 0)
                nulls.Set(count);
            codes[count++] = Math.Max(code, 0);
        }

        public DictionaryColumn Build(Utf8Column dictionary) => new(codes, dictionary, count, nulls.For(count));
    }
}
