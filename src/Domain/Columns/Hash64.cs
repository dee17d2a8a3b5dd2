using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Domain.Columns;

/// <summary>
/// A fast 64-bit hash that is the same on every machine, for group tables and distinct counts. Its values are part of saved state, so it
/// never changes: another function needs another state version. Built on the 64 × 64 → 128 bit multiply of Wang Yi's wyhash; not secret, so no
/// protection against input chosen to collide.
/// </summary>
public static class Hash64
{
    private const ulong K0 = 0x9E3779B97F4A7C15, K1 = 0xD1B54A32D192ED03, K2 = 0x8CB92BA72F3D8DD7;

    /// <summary>Hash of bytes; never 0, so that tables can use 0 for an empty slot.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        ref var p = ref MemoryMarshal.GetReference(bytes);
        var length = bytes.Length;
        var seed = K0 ^ (ulong)length * K1;
        ulong a, b;
        if (length <= 16)
        {
            if (length >= 8)
                (a, b) = (Read8(ref p, 0), Read8(ref p, length - 8));
            else if (length >= 4)
                (a, b) = (Read4(ref p, 0), Read4(ref p, length - 4));
            else if (length > 0)
                (a, b) = ((ulong)p << 16 | (ulong)Unsafe.Add(ref p, length >> 1) << 8 | Unsafe.Add(ref p, length - 1), 0);
            else
                (a, b) = (0, 0);
        }
        else
        {
            var at = 0;
            for (; length - at > 16; at += 16)
                seed = Mix(Read8(ref p, at) ^ K1, Read8(ref p, at + 8) ^ seed);
            (a, b) = (Read8(ref p, length - 16), Read8(ref p, length - 8));
        }
        return NotZero(Mix(K2 ^ (ulong)length, Mix(a ^ K1, b ^ seed)));
    }

    /// <summary>Hash of a number; never 0.</summary>
    public static ulong Of(ulong value) => NotZero(Mix(K2, Mix(value ^ K0, K1) ^ K0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    private static ulong NotZero(ulong hash) => hash == 0 ? K2 : hash;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read8(ref byte p, int at)
    {
        var value = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref p, at));
        return BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read4(ref byte p, int at)
    {
        var value = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref p, at));
        return BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
    }
}
