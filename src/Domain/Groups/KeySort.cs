using System.Buffers.Binary;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Groups;

/// <summary>
/// Sorts numbers of a string table by the bytes of their strings. Keys of groups share long beginnings (times, then a prefix of the ids), so each round skips
/// what a run has in common and sorts by the next eight bytes as one number; runs of equal numbers are sorted in the next round.
/// </summary>
internal static class KeySort
{
    private const int Small = 8;

    /// <summary>Sorts; <paramref name="scratch"/> is at least as long.</summary>
    public static void Sort(StringTable keys, Span<int> numbers, Span<ulong> scratch) => Sort(keys, numbers, scratch, 0);

    private static void Sort(StringTable keys, Span<int> run, Span<ulong> scratch, int common)
    {
        if (run.Length <= Small)
        {
            run.Sort(new ByKey(keys));
            return;
        }
        common = CommonPrefix(keys, run, common);
        var shortest = int.MaxValue;
        for (var i = 0; i < run.Length; i++)
        {
            var rest = keys[run[i]][common..];
            shortest = Math.Min(shortest, rest.Length);
            scratch[i] = rest.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(rest) : Padded(rest);
        }
        var prefixes = scratch[..run.Length];
        prefixes.Sort(run);
        for (int from = 0, to; from < run.Length; from = to)
        {
            for (to = from + 1; to < run.Length && prefixes[to] == prefixes[from]; to++)
            {
            }
            // A string that ends within the eight bytes looks like one that goes on with zeros: its run is compared whole.
            if (to - from > 1 && shortest < sizeof(ulong))
                run[from..to].Sort(new ByKey(keys));
            else if (to - from > 1)
                Sort(keys, run[from..to], scratch[from..to], common + sizeof(ulong));
        }
    }

    private static int CommonPrefix(StringTable keys, Span<int> run, int known)
    {
        var first = keys[run[0]];
        var common = first.Length;
        foreach (var number in run[1..])
            if ((common = first[known..common].CommonPrefixLength(keys[number][known..]) + known) == known)
                break;
        return common;
    }

    private static ulong Padded(ReadOnlySpan<byte> rest)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        rest.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    private readonly struct ByKey(StringTable keys) : IComparer<int>
    {
        public int Compare(int x, int y) => keys[x].SequenceCompareTo(keys[y]);
    }
}
