using System.Globalization;

namespace Tidemark.LocalHost.Demo;

/// <summary>
/// One visit to the shop: arrives on a page, looks at products, may fill a cart and may buy what is in it, one purchase event per product.
/// Reused for the next visitor when it is over.
/// </summary>
internal sealed class ShoppingSession
{
    private static readonly string[] Elements = ["banner", "menu", "search", "image", "reviews", "size-guide"];

    private readonly List<(Product Product, int Quantity)> _cart = [];
    private Customer _customer = null!;
    private Product? _seen;
    private string _id = "";
    private bool _extras, _arrived, _paying;
    private int _patience;

    /// <summary>Whether the visitor has left.</summary>
    public bool Over { get; private set; } = true;

    /// <summary>Lets the next visitor in.</summary>
    public void Open(SeededRandom random, Customer customer, long number)
    {
        _customer = customer;
        _id = string.Create(CultureInfo.InvariantCulture, $"s{number:x8}");
        _extras = random.Chance(0.08);
        _patience = 2 + (int)(9 * random.Exponential());
        _cart.Clear();
        _seen = null;
        Over = _arrived = _paying = false;
    }

    /// <summary>The visitor's next action; the caller adds id and time.</summary>
    public ShopEvent Act(SeededRandom random, ShopCatalog catalog)
    {
        var happening = new ShopEvent { Customer = _customer, Session = _id, Extras = _extras };
        if (_paying)
            Pay(ref happening);
        else if (!_arrived)
            Arrive(ref happening);
        else if (--_patience <= 0)
            Leave(random, ref happening);
        else
            Browse(random, catalog, ref happening);
        return happening;
    }

    private void Arrive(ref ShopEvent happening)
    {
        _arrived = true;
        happening.Action = Actions.PageView;
        happening.Page = "/";
    }

    private void Browse(SeededRandom random, ShopCatalog catalog, ref ShopEvent happening)
    {
        var draw = random.Fraction();
        if (_seen is null || draw < 0.40)
            Look(random, catalog, ref happening);
        else if (draw < 0.54)
            Take(random, ref happening);
        else if (draw < 0.57 && _cart.Count > 0)
            PutBack(random, ref happening);
        else
            Fidget(random, draw, ref happening);
    }

    private void Look(SeededRandom random, ShopCatalog catalog, ref ShopEvent happening)
    {
        if (random.Chance(0.25))
        {
            happening.Action = Actions.PageView;
            happening.Category = ShopCatalog.CategoryAt(random.Below(1 << 16));
            happening.Page = "/category";
            return;
        }
        _seen = catalog.Pick(random);
        happening.Action = Actions.View;
        happening.Page = "/product";
        Show(ref happening, _seen);
    }

    private void Take(SeededRandom random, ref ShopEvent happening)
    {
        var quantity = 1 + random.Skewed(5);
        _cart.Add((_seen!, quantity));
        happening.Action = Actions.AddToCart;
        happening.Quantity = quantity;
        Show(ref happening, _seen!);
    }

    private void PutBack(SeededRandom random, ref ShopEvent happening)
    {
        var at = random.Below(_cart.Count);
        happening.Action = Actions.RemoveFromCart;
        happening.Quantity = _cart[at].Quantity;
        Show(ref happening, _cart[at].Product);
        _cart.RemoveAt(at);
    }

    private static void Fidget(SeededRandom random, double draw, ref ShopEvent happening)
    {
        happening.Action = draw < 0.74 ? Actions.Scroll : draw < 0.90 ? Actions.Click : Actions.Hover;
        happening.Page = "/product";
        if (happening.Action != Actions.Scroll)
            happening.Element = Elements[random.Below(Elements.Length)];
    }

    private void Leave(SeededRandom random, ref ShopEvent happening)
    {
        _paying = _cart.Count > 0 && random.Chance(0.55);
        Over = !_paying;
        happening.Action = Actions.PageView;
        happening.Page = _paying ? "/checkout" : "/goodbye";
    }

    private void Pay(ref ShopEvent happening)
    {
        var (product, quantity) = _cart[^1];
        _cart.RemoveAt(_cart.Count - 1);
        happening.Action = Actions.Purchase;
        happening.Page = "/checkout";
        happening.Quantity = quantity;
        Show(ref happening, product);
        Over = _cart.Count == 0;
    }

    private static void Show(ref ShopEvent happening, Product product)
    {
        happening.Product = product;
        happening.Category = product.Category;
    }
}
