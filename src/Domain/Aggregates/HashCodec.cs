using System.Buffers.Binary;
using System.Numerics;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>
/// Ascending hashes as Rice-coded differences: the upper part of a difference in ones ended by a zero, the lower bits as they are. Hashes are spread
/// evenly, so this is within 3 % of the least that any code can take.
/// </summary>
internal static class HashCodec
{
    private const int MostOnes = 32;   // written at once

    /// <summary>Writes at least one hash whose lowest bits are zero.</summary>
    public static void Write(ByteWriter to, ReadOnlySpan<ulong> sorted, int zeroBits)
    {
        var low = LowBits(sorted.Length, zeroBits);
        var start = to.Length;
        // The ones of all differences together are at most twice the number of hashes, by the choice of the lower bits.
        var room = to.Take((int)((sorted.Length * (low + 3L) + 7) / 8) + sizeof(ulong));
        ulong bits = 0, before = 0;
        int pending = 0, at = 0;
        foreach (var hash in sorted)
        {
            var difference = (hash >> zeroBits) - before;
            before = hash >> zeroBits;
            for (var ones = (int)(difference >> low); ; ones -= MostOnes)
            {
                var length = Math.Min(ones, MostOnes);
                bits |= ((1UL << length) - 1) << pending;
                Flush(room, ref at, ref bits, ref pending, length + (ones < MostOnes ? 1 : 0));
                if (ones < MostOnes)
                    break;
            }
            bits |= (difference & (1UL << low) - 1) << pending;
            Flush(room, ref at, ref bits, ref pending, low);
        }
        if (pending > 0)
            room[at++] = (byte)bits;
        to.Truncate(start + at);
    }

    /// <summary>Counts more bits as pending and moves out whole bytes; fewer than eight bits stay.</summary>
    private static void Flush(Span<byte> room, ref int at, ref ulong bits, ref int pending, int more)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(room[at..], bits);
        pending += more;
        at += pending >> 3;
        bits >>= pending & ~7;
        pending &= 7;
    }

    /// <summary>Reads so many hashes; faults on what <see cref="Write"/> does not write.</summary>
    public static void Read(ref ByteReader from, int count, int zeroBits, Action<ulong> add)
    {
        var low = LowBits(count, zeroBits);
        UInt128 bits = 0;
        var pending = 0;
        ulong before = 0;
        for (; count > 0; count--)
        {
            ulong ones = 0;
            while (Get(ref from, ref bits, ref pending, 1) != 0)
                ones++;
            before += (ones << low) + Get(ref from, ref bits, ref pending, low);
            if (before == 0 || before >> (64 - zeroBits) != 0)
                throw from.Fault("a hash is out of range");
            add(before << zeroBits);
        }
    }

    /// <summary>Reads one hash that was written alone.</summary>
    public static ulong ReadOne(ref ByteReader from, int zeroBits)
    {
        UInt128 bits = 0;
        int low = LowBits(1, zeroBits), pending = 0;
        ulong ones = 0;
        while (Get(ref from, ref bits, ref pending, 1) != 0)
            ones++;
        var hash = (ones << low) + Get(ref from, ref bits, ref pending, low);
        return hash != 0 && hash >> (64 - zeroBits) == 0 ? hash << zeroBits : throw from.Fault("a hash is out of range");
    }

    private static ulong Get(ref ByteReader from, ref UInt128 bits, ref int pending, int length)
    {
        for (; pending < length; pending += 8)
            bits |= (UInt128)from.Byte() << pending;
        var value = (ulong)bits & (length == 64 ? ulong.MaxValue : (1UL << length) - 1);
        bits >>= length;
        pending -= length;
        return value;
    }

    /// <summary>Bits below the mean difference.</summary>
    private static int LowBits(int count, int zeroBits) => Math.Max(0, 64 - zeroBits - 1 - BitOperations.Log2((uint)count));
}
