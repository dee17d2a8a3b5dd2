using System.Globalization;
using System.Text;

namespace Tidemark.LocalHost.Demo;

/// <summary>The demo's products as the file that its events are joined with. Whoever changes a line of it while the demo runs sees the change in the enriched table.</summary>
internal static class DemoCatalog
{
    /// <summary>Name of the file in the data directory.</summary>
    public const string FileName = "demo-catalog.csv";

    /// <summary>The shop of every demo: a resumed one has the same products and customers.</summary>
    public static DemoOptions Shop { get; } = new() { ShopSeed = 1 };

    /// <summary>Writes the file where there is none. It is there whole or not at all.</summary>
    public static void Ensure(string path)
    {
        if (File.Exists(path))
            return;
        var text = new StringBuilder("product_id,product_name,brand,category,price\n");
        foreach (var product in new ShopCatalog(new SeededRandom(Shop.ShopSeed!.Value), Shop.Products).Products)
            text.Append(CultureInfo.InvariantCulture, $"{product.Id},{Quoted(product.Name)},{Quoted(product.Brand)},{Quoted(product.Category)},{product.PriceCents / 100m:0.00}\n");
        File.WriteAllText(path + ".new", text.ToString());
        File.Move(path + ".new", path);
    }

    private static string Quoted(string text) => text.AsSpan().IndexOfAny("\",\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
