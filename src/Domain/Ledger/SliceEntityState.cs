namespace Tidemark.Domain.Ledger;

/// <summary>Input of Apply. Takes effect only if both bases are what the entity holds.</summary>
/// <param name="BaseVersion">Version that the sender read; 0 = no entity yet.</param>
/// <param name="BasePosition">Position that the sender read.</param>
/// <param name="NewPosition">Position after the partial.</param>
/// <param name="Partial">Saved fold state of the ranges between the two.</param>
/// <param name="EvictUpTo">Per query the window end (ms) up to which state may be forgotten: never beyond the query's txn nor the tick's watermark.</param>
public sealed record ApplyInput(
    long BaseVersion,
    IReadOnlyDictionary<int, long> BasePosition,
    IReadOnlyDictionary<int, long> NewPosition,
    byte[] Partial,
    IReadOnlyDictionary<string, long> EvictUpTo)
{
    /// <summary>Whether <see cref="Partial"/> is the whole state after the move instead of what is to be merged into it.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Blob with the whole state, too large for a signal; <see cref="Partial"/> is empty then.</summary>
    public string? Blob { get; init; }
}
