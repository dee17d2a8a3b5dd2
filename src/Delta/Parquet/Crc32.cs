using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tidemark.Delta.Parquet;

/// <summary>
/// The CRC32 of zlib (polynomial 0xEDB88320). Long input is folded 64 bytes at a time by carry-less multiplication where the processor has it
/// (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009); else eight bytes at a time by tables.
/// </summary>
internal static class Crc32
{
    private static readonly uint[] Tables = Build();

    private const int FoldedFrom = 128;

    /// <param name="bytes">The input, or its next part.</param>
    /// <param name="before">Checksum of the parts before; 0 = this is the first.</param>
    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        var crc = ~before;
        if (Pclmulqdq.IsSupported && BitConverter.IsLittleEndian && bytes.Length >= FoldedFrom)
        {
            var folded = bytes.Length & ~15;
            crc = Fold(bytes[..folded], crc);
            bytes = bytes[folded..];
        }

        return ~ByTables(bytes, crc);
    }

    // Four lanes of 128 bits are carried along, then joined to one and reduced; the constants are x^n mod P for the distances folded over.
    private static uint Fold(ReadOnlySpan<byte> bytes, uint crc)
    {
        var far = Vector128.Create(0x0154442BD4UL, 0x01C6E41596UL);
        var near = Vector128.Create(0x01751997D0UL, 0x00CCAA009EUL);
        var a = Lane(bytes) ^ Vector128.CreateScalar(crc).AsUInt64();
        Vector128<ulong> b = Lane(bytes[16..]), c = Lane(bytes[32..]), d = Lane(bytes[48..]);
        for (bytes = bytes[64..]; bytes.Length >= 64; bytes = bytes[64..])
        {
            a = Carry(a, far) ^ Lane(bytes);
            b = Carry(b, far) ^ Lane(bytes[16..]);
            c = Carry(c, far) ^ Lane(bytes[32..]);
            d = Carry(d, far) ^ Lane(bytes[48..]);
        }

        a = Carry(Carry(Carry(a, near) ^ b, near) ^ c, near) ^ d;
        for (; bytes.Length >= 16; bytes = bytes[16..]) a = Carry(a, near) ^ Lane(bytes);
        // 128 bits are a message of their own: its checksum from zero is the state.
        Span<byte> rest = stackalloc byte[16];
        a.AsByte().CopyTo(rest);
        return ByTables(rest, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Lane(ReadOnlySpan<byte> bytes) => Vector128.Create(bytes[..16]).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Carry(Vector128<ulong> lane, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(lane, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(lane, by, 0x11);

    /// <summary>The state after more bytes, by tables alone.</summary>
    internal static uint ByTables(ReadOnlySpan<byte> bytes, uint crc)
    {
        var t = Tables;
        while (bytes.Length >= 8)
        {
            var low = Unsafe.ReadUnaligned<uint>(ref Unsafe.AsRef(in bytes[0])) ^ crc;
            var high = Unsafe.ReadUnaligned<uint>(ref Unsafe.AsRef(in bytes[4]));
            crc = t[0x700 + (byte)low] ^ t[0x600 + (byte)(low >> 8)] ^ t[0x500 + (byte)(low >> 16)] ^ t[0x400 + (int)(low >> 24)]
                ^ t[0x300 + (byte)high] ^ t[0x200 + (byte)(high >> 8)] ^ t[0x100 + (byte)(high >> 16)] ^ t[(int)(high >> 24)];
            bytes = bytes[8..];
        }

        foreach (var b in bytes) crc = t[(byte)(crc ^ b)] ^ crc >> 8;
        return crc;
    }

    private static uint[] Build()
    {
        var tables = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
            tables[i] = crc;
        }

        for (var i = 256; i < tables.Length; i++) tables[i] = tables[(byte)tables[i - 256]] ^ tables[i - 256] >> 8;
        return tables;
    }
}
