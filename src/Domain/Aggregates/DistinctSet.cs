using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>
/// A set of hashes, of which the upper 48 bits count: exact up to a bound, registers of a <see cref="HyperLogLog"/> beyond it. Which of the two it is
/// depends only on how many different hashes went in, so the outcome is the same whatever the order of adding and merging. Two values with the same
/// hash count as one: with 4,096 values that happens in one of 33 million sets. Saved: the sorted hashes as Rice-coded differences, 4.8 bytes
/// each at 4,096 of them, or 12 KB of registers.
/// </summary>
internal sealed class DistinctSet
{
    private const byte Estimated = 1, Exact = 2;
    private const int DroppedBits = 16;
    private ulong[] table = [];        // open addressing, 0 = empty
    private byte[]? registers;
    private bool estimated;

    /// <summary>How many hashes the exact form holds; 0 once it is estimated.</summary>
    public int Held { get; private set; }

    public long Count => estimated ? HyperLogLog.Estimate(registers) : Held;

    /// <summary>The part of a hash that counts, never 0.</summary>
    public static ulong Kept(ulong hash) => Math.Max(hash >> DroppedBits, 1) << DroppedBits;

    /// <summary>Writes a set of these, ascending.</summary>
    public static void Write(ByteWriter to, ReadOnlySpan<ulong> sorted)
    {
        to.Byte(Exact);
        to.Varint((ulong)sorted.Length);
        if (sorted.Length > 0)
            HashCodec.Write(to, sorted, DroppedBits);
    }

    /// <summary>Reads a set of one; if it is another, reads nothing.</summary>
    public static bool TryReadOne(ref ByteReader from, out ulong hash)
    {
        hash = 0;
        var ahead = from;
        if (ahead.Byte() != Exact || ahead.Varint() != 1)
            return false;
        hash = HashCodec.ReadOne(ref ahead, DroppedBits);
        from = ahead;
        return true;
    }

    public void Add(ulong hash, int exactUpTo)
    {
        hash = Kept(hash);
        if (estimated)
        {
            HyperLogLog.Add(registers!, hash);
            return;
        }
        if (Held * 2 >= table.Length)
            Rehash();
        var mask = table.Length - 1;
        for (var at = (int)(hash >> DroppedBits) & mask; ; at = (at + 1) & mask)
        {
            if (table[at] == hash)
                return;
            if (table[at] != 0)
                continue;
            table[at] = hash;
            if (++Held > exactUpTo)
                Estimate();
            return;
        }
    }

    public void Merge(DistinctSet other, int exactUpTo)
    {
        if (!other.estimated)
        {
            foreach (var hash in other.table)
                if (hash != 0)
                    Add(hash, exactUpTo);
            return;
        }
        Estimate();
        Max(other.registers);
    }

    public void Write(ByteWriter to, ref ulong[] scratch)
    {
        if (estimated)
        {
            to.Byte(Estimated);
            WriteRegisters(to.Take(HyperLogLog.Registers / 4 * 3));
            return;
        }
        if (scratch.Length < Held)
            scratch = new ulong[Math.Max(Held, scratch.Length * 2)];
        var count = 0;
        foreach (var hash in table)
            if (hash != 0)
                scratch[count++] = hash;
        scratch.AsSpan(0, count).Sort();
        Write(to, scratch.AsSpan(0, count));
    }

    public void Read(ref ByteReader from, int exactUpTo)
    {
        switch (from.Byte())
        {
            case Exact:
                if (from.Count(1, exactUpTo) is var count and > 0)
                    HashCodec.Read(ref from, count, DroppedBits, hash => Add(hash, exactUpTo));
                break;
            case Estimated:
                Span<byte> read = stackalloc byte[HyperLogLog.Registers];
                ReadRegisters(ref from, read);
                Estimate();
                Max(read);
                break;
            default:
                throw from.Fault("a distinct set of unknown form");
        }
    }

    /// <summary>Empties the set and keeps the memory.</summary>
    public void Clear()
    {
        if (Held > 0)
            Array.Clear(table);
        Held = 0;
        estimated = false;
    }

    private void Estimate()
    {
        if (estimated)
            return;
        estimated = true;
        if (registers is null)
            registers = new byte[HyperLogLog.Registers];
        else
            Array.Clear(registers);
        foreach (var hash in table)
            if (hash != 0)
                HyperLogLog.Add(registers, hash);
        Array.Clear(table);
        Held = 0;
    }

    private void Max(ReadOnlySpan<byte> other)
    {
        for (var i = 0; i < other.Length; i++)
            if (registers![i] < other[i])
                registers[i] = other[i];
    }

    private void Rehash()
    {
        var old = table;
        table = new ulong[Math.Max(16, old.Length * 2)];
        var mask = table.Length - 1;
        foreach (var hash in old)
        {
            if (hash == 0)
                continue;
            var at = (int)(hash >> DroppedBits) & mask;
            while (table[at] != 0)
                at = (at + 1) & mask;
            table[at] = hash;
        }
    }

    // four registers of six bits in three bytes
    private void WriteRegisters(Span<byte> to)
    {
        for (int i = 0, at = 0; i < HyperLogLog.Registers; i += 4, at += 3)
        {
            var bits = registers![i] | registers[i + 1] << 6 | registers[i + 2] << 12 | registers[i + 3] << 18;
            (to[at], to[at + 1], to[at + 2]) = ((byte)bits, (byte)(bits >> 8), (byte)(bits >> 16));
        }
    }

    private static void ReadRegisters(ref ByteReader from, scoped Span<byte> into)
    {
        var packed = from.Take(HyperLogLog.Registers / 4 * 3);
        for (int i = 0, at = 0; i < HyperLogLog.Registers; i += 4, at += 3)
        {
            var bits = packed[at] | packed[at + 1] << 8 | packed[at + 2] << 16;
            for (var j = 0; j < 4; j++, bits >>= 6)
                into[i + j] = (bits & 63) <= HyperLogLog.MaxRank ? (byte)(bits & 63) : throw from.Fault("a register is out of range");
        }
    }
}
