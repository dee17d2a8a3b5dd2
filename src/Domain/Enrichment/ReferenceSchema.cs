namespace Tidemark.Domain.Enrichment;

/// <summary>What the values of a column of reference data are.</summary>
public enum ReferenceType
{
    /// <summary>Text that most rows have their own of.</summary>
    Name,

    /// <summary>Text that many rows share.</summary>
    Label,

    /// <summary>A decimal number; four decimals are kept, rounded half away from zero.</summary>
    Price,

    /// <summary>A day, such as 2024-01-15; of a time the day in UTC.</summary>
    Date,
}

/// <summary>A column of reference data.</summary>
/// <param name="Name">Its name in the enriched table, behind the prefix.</param>
/// <param name="Type">What its values are.</param>
/// <param name="Names">What it is called where it is read from; the first that is there counts.</param>
public sealed record ReferenceColumn(string Name, ReferenceType Type, params IReadOnlyList<string> Names)
{
    internal bool IsText => Type is ReferenceType.Name or ReferenceType.Label;
}

/// <summary>What a table of reference data has: a key that events name, and columns that say more of it.</summary>
/// <param name="Title">What it is called in messages.</param>
/// <param name="Key">Its key, and the column of events that names it.</param>
/// <param name="Prefix">Its columns in the enriched table begin with this; <c>{Prefix}version</c> is the last.</param>
/// <param name="Columns">All but the key.</param>
/// <param name="SlugOf">The label whose slug the enriched table is partitioned by; null = none.</param>
public sealed record ReferenceSchema(string Title, string Key, string Prefix, IReadOnlyList<ReferenceColumn> Columns, string? SlugOf = null)
{
    /// <summary>The products of a shop.</summary>
    public static ReferenceSchema Catalog { get; } = new("catalog", "product_id", "catalog_",
    [
        new("name", ReferenceType.Name, "product_name", "name"),
        new("brand", ReferenceType.Label, "brand"),
        new("category", ReferenceType.Label, "category"),
        new("price", ReferenceType.Price, "price"),
    ], SlugOf: "category");

    /// <summary>Its customers.</summary>
    public static ReferenceSchema Customers { get; } = new("customer table", "user_id", "customer_",
    [
        new("segment", ReferenceType.Label, "segment"),
        new("signup_date", ReferenceType.Date, "signup_date"),
        new("home_country", ReferenceType.Label, "home_country", "country"),
    ]);

    /// <summary>The countries that events come from.</summary>
    public static ReferenceSchema Countries { get; } = new("country table", "country", "country_",
    [
        new("name", ReferenceType.Label, "country_name", "name"),
        new("region", ReferenceType.Label, "region"),
        new("currency", ReferenceType.Label, "currency"),
    ]);

    /// <summary>For each column, where the first of its names stands among these (in any case); −1 where none does.</summary>
    public int[] Find(IReadOnlyList<string> names) => [.. Columns.Select(column => Find(names, column.Names))];

    /// <summary>Where the key stands among these names; −1 where it does not.</summary>
    public int FindKey(IReadOnlyList<string> names) => Find(names, [Key]);

    private static int Find(IReadOnlyList<string> names, IReadOnlyList<string> wanted)
    {
        foreach (var name in wanted)
            for (var i = 0; i < names.Count; i++)
                if (string.Equals(names[i].Trim(), name, StringComparison.OrdinalIgnoreCase))
                    return i;
        return -1;
    }
}
