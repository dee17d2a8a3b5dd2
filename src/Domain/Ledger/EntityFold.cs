using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// What an entity does with its operations. Both are decided by compare-and-set on what the entity holds, so that signals that are doubled,
/// delayed, reordered or from a competing tick do nothing. Neither throws on bad input: the platform would drop the operation without a word.
/// </summary>
public static class EntityFold
{
    /// <summary>Largest state within an entity and largest partial, bytes; the platform's limit is 1 MB with JSON and base64 around it. Larger states go to blobs.</summary>
    public const int MaxStateBytes = 700_000;

    private const int MostFaults = 20;

    /// <summary>State after Apply: merged, evicted, moved and incremented if both bases match, otherwise unchanged.</summary>
    public static EntitySnapshot? Apply(IPipeline pipeline, EntityKey key, EntitySnapshot? current, ApplyInput input) =>
        Apply(pipeline, key, current, input, ProtocolRule.None);

    internal static EntitySnapshot? Apply(IPipeline pipeline, EntityKey key, EntitySnapshot? current, ApplyInput input, ProtocolRule off)
    {
        var version = current?.Version ?? 0;
        if (!off.HasFlag(ProtocolRule.ApplyChecksBase) && (input.BaseVersion != version || !SamePosition(input.BasePosition, current?.Position)))
            return current;
        if (input.IsWhole)
            return new EntitySnapshot(version + 1, input.NewPosition, input.Partial, current?.Faults ?? [], input.Blob);
        if (current?.Blob is { } blob)
            return Faulted(current, $"Apply on version {version} was refused: the state is in the blob {blob}, and the signal holds only a part of the next one.");
        try
        {
            var state = pipeline.Load(key, current?.State ?? []);
            state.Merge(input.Partial);
            state.Evict(query => input.EvictUpTo.TryGetValue(query, out var upTo) ? upTo : null);
            var saved = state.Save();
            return saved.Length <= MaxStateBytes
                ? new EntitySnapshot(version + 1, input.NewPosition, saved, current?.Faults ?? [])
                : Faulted(current, $"Apply on version {version} was refused: the state would have {saved.Length} bytes, {MaxStateBytes} are allowed.");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The platform drops an operation that throws, with nothing but a log line.
            return Faulted(current, $"Apply on version {version} was refused: {e.Message}");
        }
    }

    /// <summary>State after Delete: gone if the version matches, otherwise unchanged.</summary>
    public static EntitySnapshot? Delete(EntitySnapshot? current, long version) => current?.Version == version ? null : current;

    /// <summary>The same state with one more fault, the oldest dropped beyond 20.</summary>
    public static EntitySnapshot Faulted(EntitySnapshot? current, string fault)
    {
        current ??= new EntitySnapshot(0, new Dictionary<int, long>(), [], []);
        return current with { Faults = [.. current.Faults.TakeLast(MostFaults - 1), fault] };
    }

    private static bool SamePosition(IReadOnlyDictionary<int, long> expected, IReadOnlyDictionary<int, long>? actual) =>
        actual is null
            ? expected.Count == 0
            : expected.Count == actual.Count && expected.All(p => actual.TryGetValue(p.Key, out var at) && at == p.Value);
}
