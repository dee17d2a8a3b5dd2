using System.Runtime.CompilerServices;

namespace Tidemark.Delta.Parquet;

/// <summary>The CRC32 of zlib (polynomial 0xEDB88320), eight bytes at a time.</summary>
internal static class Crc32
{
    private static readonly uint[] Tables = Build();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var t = Tables;
        var crc = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            var low = Unsafe.ReadUnaligned<uint>(ref Unsafe.AsRef(in bytes[0])) ^ crc;
            var high = Unsafe.ReadUnaligned<uint>(ref Unsafe.AsRef(in bytes[4]));
            crc = t[0x700 + (byte)low] ^ t[0x600 + (byte)(low >> 8)] ^ t[0x500 + (byte)(low >> 16)] ^ t[0x400 + (int)(low >> 24)]
                ^ t[0x300 + (byte)high] ^ t[0x200 + (byte)(high >> 8)] ^ t[0x100 + (byte)(high >> 16)] ^ t[(int)(high >> 24)];
            bytes = bytes[8..];
        }

        foreach (var b in bytes) crc = t[(byte)(crc ^ b)] ^ crc >> 8;
        return ~crc;
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
