namespace Tidemark.Domain.Corrections;

/// <summary>Questions to storage, a few at a time: it answers several about as fast as one.</summary>
internal static class Few
{
    private const int AtOnce = 8;

    /// <summary>The answers in the order of the items.</summary>
    public static async Task<IReadOnlyList<(T Item, TResult Result)>> EachAsync<T, TResult>(this IEnumerable<T> items, Func<T, Task<TResult>> ask)
    {
        var answers = new List<(T, TResult)>();
        foreach (var some in items.Chunk(AtOnce))
            answers.AddRange(some.Zip(await Task.WhenAll(some.Select(ask))));
        return answers;
    }
}
