using System.Numerics;
using System.Runtime.InteropServices;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Deduplication;

/// <summary>
/// An event's id as 96 bits of hash. Two different ids share them with a probability of about n² / 2⁹⁷ among n ids: at ten million ids, one in 10¹⁵.
/// Hashes are kept in memory only, so another function needs no new version of anything.
/// </summary>
public readonly record struct EventKey(ulong Hash, uint Check)
{
    /// <summary>The key of an id.</summary>
    public static EventKey Of(ReadOnlySpan<byte> id) => new(Hash64.Of(id), CheckOf(id));

    /// <summary>The key of an id that is a number.</summary>
    public static EventKey Of(long id) => new(Hash64.Of((ulong)id), (uint)BitOperations.RotateLeft((ulong)id * 0xC2B2AE3D27D4EB4F, 31));

    // Another construction than Hash64's, so that ids which meet there do not meet here as well.
    private static uint CheckOf(ReadOnlySpan<byte> id)
    {
        var hash = (ulong)id.Length * 0x9FB21C651E98DF25;
        var words = MemoryMarshal.Cast<byte, ulong>(id);
        foreach (var word in words)
            hash = BitOperations.RotateLeft(hash ^ word, 29) * 0xC2B2AE3D27D4EB4F;
        foreach (var rest in id[(words.Length * 8)..])
            hash = (hash ^ rest) * 0x9FB21C651E98DF25;
        hash ^= hash >> 29;
        return (uint)(hash * 0xC2B2AE3D27D4EB4F >> 32);
    }
}

/// <summary>An event as deduplication sees it: the key of its id, its event time in ms, and where it came from.</summary>
public readonly record struct SeenEvent(EventKey Key, long TimeMs, int Partition, long Offset);

/// <summary>What becomes of an event.</summary>
public enum Verdict : byte
{
    /// <summary>It is the first with its id.</summary>
    First,

    /// <summary>An event with its id is there already.</summary>
    Duplicate,

    /// <summary>So far behind the frontier that ids like its own may have been forgotten; it is kept, and late for every query.</summary>
    TooOld,
}
