namespace Tidemark.LocalHost.Demo;

/// <summary>
/// What somebody does with an account that is not theirs: buys many things within seconds, or far more than its owner ever did, or from a country that
/// nobody can have reached by then. Plans with randomness of its own; without misuse the events of a seed are what they always were.
/// </summary>
internal sealed class Misuse(SeededRandom random, ShopCatalog catalog, Customer[] customers, double share)
{
    private static readonly string[] FarAway = ["Australia", "Brazil", "Singapore", "South Africa"];

    private readonly PriorityQueue<ShopEvent, (long TimeMs, long Number)> _planned = new();
    private long _visits, _purchases;

    /// <summary>Called once for each ordinary event: begins a misuse now and then.</summary>
    public void MayBegin(long nowMs)
    {
        if (share == 0 || !random.Chance(share))
            return;
        var customer = customers[random.Skewed(customers.Length)];
        var session = $"m{++_visits:x8}";
        switch (random.Below(3))
        {
            case 0:
                for (var left = 5 + random.Below(4); left > 0; left--)
                    Plan(nowMs + random.Below(45_000L), customer, session, 1);
                break;
            case 1:
                Plan(nowMs, customer, session, 100 + random.Below(400));
                break;
            default:
                Plan(nowMs, customer, session, 1);
                Plan(nowMs + 60_000 + random.Below(120_000L), customer with { Country = FarAway[random.Below(FarAway.Length)] }, session, 1);
                break;
        }
    }

    /// <summary>The next event of a misuse that is due at or before this time.</summary>
    public bool TryTake(long untilMs, out ShopEvent item)
    {
        if (_planned.TryPeek(out item, out var due) && due.TimeMs <= untilMs)
        {
            _planned.Dequeue();
            return true;
        }
        item = default;
        return false;
    }

    private void Plan(long timeMs, Customer customer, string session, int quantity)
    {
        var product = catalog.Pick(random);
        _planned.Enqueue(
            new ShopEvent
            {
                Customer = customer, Session = session, TimeMs = timeMs, Action = Actions.Purchase, Product = product, Category = product.Category,
                Page = "/checkout", Quantity = quantity,
            },
            (timeMs, ++_purchases));
    }
}
