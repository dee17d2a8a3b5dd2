namespace Tidemark.LocalHost.Entities;

/// <summary>
/// Test mode: signals doubled, delayed and reordered by a seed, as the platform may do. Setting <c>LocalHost__SignalDisorderSeed</c> turns it on.
/// </summary>
internal sealed class SignalDisorder(int seed, double duplicates = 0.2, double delays = 0.3, int maxDelayMs = 200)
{
    private readonly Random random = new(seed);
    private readonly Lock gate = new();

    /// <summary>For each copy of a signal to deliver, by how many ms it is delayed.</summary>
    public int[] Copies()
    {
        lock (gate)
        {
            var copies = random.NextDouble() < duplicates ? 2 : 1;
            return [.. Enumerable.Range(0, copies).Select(_ => random.NextDouble() < delays ? random.Next(1, maxDelayMs + 1) : 0)];
        }
    }

    /// <summary>Shuffles what is about to run.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        lock (gate)
            random.Shuffle(items);
    }
}
