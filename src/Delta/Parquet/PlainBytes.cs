using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Writes byte strings as PLAIN: four bytes of length, then the bytes.</summary>
internal static class PlainBytes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte[] heap, int from, int to, ByteSink sink)
    {
        var length = to - from;
        var span = sink.Reserve(length + 20);
        ref var target = ref MemoryMarshal.GetReference(span);
        Unsafe.WriteUnaligned(ref target, length);
        target = ref Unsafe.Add(ref target, 4);
        if (length <= 16 && heap.Length - from >= 16)
            Unsafe.WriteUnaligned(ref target, Unsafe.ReadUnaligned<UInt128>(ref heap[from]));
        else if (length > 0)
            Unsafe.CopyBlockUnaligned(ref target, ref heap[from], (uint)length);
        sink.Advance(length + 4);
    }
}
