namespace Tidemark.LocalHost.Demo;

/// <summary>Fields that a broken producer leaves out.</summary>
internal enum Omitted
{
    Nothing,
    EventId,
    EventType,
    Time,
    UserId,
}

/// <summary>What a customer does, in the words of the producers.</summary>
internal static class Actions
{
    public const string PageView = "page_view", View = "view", AddToCart = "add_to_cart", RemoveFromCart = "remove_from_cart",
        Purchase = "purchase", Scroll = "scroll", Click = "click", Hover = "hover";
}

/// <summary>One event before it is written as JSON. Absent parts are null; <see cref="Quantity"/> 0 means none.</summary>
internal struct ShopEvent
{
    public string Id;
    public long TimeMs;
    public string Action;
    public Customer Customer;
    public string Session;
    public Product? Product;
    public string? Category;
    public string? Page;
    public string? Element;
    public int Quantity;
    public bool Extras;
}
