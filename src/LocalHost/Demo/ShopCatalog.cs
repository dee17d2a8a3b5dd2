using System.Globalization;

namespace Tidemark.LocalHost.Demo;

/// <summary>A product: what a page shows of it. <see cref="PriceCents"/> is in hundredths of the shop's currency.</summary>
internal sealed record Product(string Id, string Name, string Category, long PriceCents)
{
    private static readonly string[] Brands = ["Alder", "Birch & Sons", "Cedar", "Juniper", "Rowan, Ash and Co.", "Willow"];

    /// <summary>Who makes it; events do not say.</summary>
    public string Brand => Brands[int.Parse(Id.AsSpan(1), CultureInfo.InvariantCulture) % Brands.Length];
}

/// <summary>The shop's products, made from a seed. Low indexes are the popular ones.</summary>
internal sealed class ShopCatalog
{
    private static readonly (string Category, string[] Things, int LowCents, int HighCents)[] Departments =
    [
        ("Electronics", ["Headphones", "Keyboard", "Monitor", "Webcam", "Loudspeaker", "Charger"], 1_999, 59_900),
        ("Books", ["Novel", "Atlas", "Cookbook", "Biography", "Dictionary"], 699, 4_500),
        ("Home & Kitchen", ["Kettle", "Café crème cup", "Pan", "Lamp", "Cushion", "Clock"], 850, 18_000),
        ("Garden", ["Rake", "Planter", "Bird house", "Hose", "Lantern"], 450, 12_000),
        ("Toys", ["Puzzle", "Spinning top", "Train", "Kite", "Building set"], 399, 8_900),
        ("Clothing", ["Scarf", "Jacket", "Shirt", "Wool socks", "Hat"], 995, 24_000),
        ("Sports", ["Ball", "Racket", "Yoga mat", "Water bottle", "Rope"], 575, 15_500),
        ("Beauty", ["Soap", "Hand cream", "Brush", "Perfume"], 350, 9_900),
    ];

    private static readonly string[] Looks =
        ["Red", "Blue", "Green", "Small", "Large", "Classic", "Light", "Folding", "\"Nordic\"", "Vintage", "Süß", "Travel"];

    public ShopCatalog(SeededRandom random, int count)
    {
        Products = new Product[count];
        for (var i = 0; i < count; i++)
        {
            var (category, things, low, high) = Departments[random.Below(Departments.Length)];
            var name = $"{Looks[random.Below(Looks.Length)]} {things[random.Below(things.Length)]}";
            Products[i] = new Product(string.Create(CultureInfo.InvariantCulture, $"P{i + 1:D5}"), name, category, low + random.Below(high - low));
        }
    }

    public Product[] Products { get; }

    public static string CategoryAt(int draw) => Departments[draw % Departments.Length].Category;

    public Product Pick(SeededRandom random) => Products[random.Skewed(Products.Length)];
}
