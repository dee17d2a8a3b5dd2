using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>
/// One leaf of one row group, decoded: levels per entry, and the values that are there one after another in an array with room
/// for all entries, so that they can be spread to their rows in place.
/// </summary>
internal sealed class LeafData
{
    public required int Entries { get; init; }

    /// <summary>Null when every entry is a value.</summary>
    public byte[]? Definition { get; set; }

    /// <summary>Null when no entry continues a list.</summary>
    public byte[]? Repetition { get; set; }

    public int Present { get; set; }

    public bool[]? Booleans { get; set; }

    public int[]? Ints { get; set; }

    public long[]? Longs { get; set; }

    public float[]? Floats { get; set; }

    public double[]? Doubles { get; set; }

    public BytesData? Bytes { get; set; }

    /// <summary>Gives the levels back; nothing else is pooled, as it goes out to the caller.</summary>
    public void ReturnLevels()
    {
        if (Definition is not null) System.Buffers.ArrayPool<byte>.Shared.Return(Definition);
        if (Repetition is not null) System.Buffers.ArrayPool<byte>.Shared.Return(Repetition);
        Definition = Repetition = null;
    }
}

/// <summary>Byte strings of a leaf: codes as long as all pages use the dictionary, from the first that does not on plain.</summary>
internal sealed class BytesData(int entries, long budget, long expected)
{
    private byte[] _heap = [];
    private int[]? _offsets;

    public int[]? Codes { get; private set; }

    public byte[] DictionaryHeap { get; private set; } = [];

    public int[]? DictionaryOffsets { get; private set; }

    public int[] Offsets => _offsets ?? [0];

    public byte[] Heap => _heap;

    public bool IsPlain => _offsets is not null;

    public void SetDictionary(byte[] heap, int[] offsets)
    {
        DictionaryHeap = heap;
        DictionaryOffsets = offsets;
    }

    /// <summary>Room for codes of the next page; null when values are plain by now and the codes must be looked up.</summary>
    public Span<int> CodesFor(int at, int count)
    {
        Codes ??= GC.AllocateUninitializedArray<int>(entries);
        return Codes.AsSpan(at, count);
    }

    public void AddCodes(int at, ReadOnlySpan<int> codes)
    {
        foreach (var code in codes)
        {
            Add(at++, DictionaryHeap.AsSpan(DictionaryOffsets![code], DictionaryOffsets[code + 1] - DictionaryOffsets[code]));
        }
    }

    /// <summary>Goes over to plain values, taking along what came by code.</summary>
    public void MakePlain(int present)
    {
        if (_offsets is not null) return;
        _offsets = GC.AllocateUninitializedArray<int>(entries + 1);
        _offsets[0] = 0;
        _heap = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(expected, 0, Math.Min(budget, Array.MaxLength)));
        if (Codes is null) return;
        var codes = Codes;
        Codes = null;
        AddCodes(0, codes.AsSpan(0, present));
    }

    public void Reserve(int at, long more)
    {
        var wanted = _offsets![at] + more;
        if (wanted > budget || wanted > Array.MaxLength) throw new DeltaFormatException($"A column of the Parquet file expands to more than {budget} bytes in one row group; raise the reader's limit if that is meant.");
        if (wanted > _heap.Length) Array.Resize(ref _heap, (int)Math.Min(Math.Max(wanted, _heap.Length * 2L), Array.MaxLength));
    }

    /// <summary>Takes over a page of PLAIN byte strings, each with its length before it; false when it ends early.</summary>
    public bool AddPlain(int at, int count, ReadOnlySpan<byte> page)
    {
        // What a page holds less its lengths always fits what is reserved, so lengths are checked against the page alone.
        Reserve(at, page.Length);
        var offsets = _offsets.AsSpan(at, count + 1);
        var used = offsets[0];
        ref var source = ref MemoryMarshal.GetReference(page);
        ref var target = ref MemoryMarshal.GetArrayDataReference(_heap);
        var position = 0;
        for (var i = 0; i < count; i++)
        {
            if (page.Length - position < 4) return false;
            var length = Unsafe.ReadUnaligned<int>(ref Unsafe.Add(ref source, position));
            position += 4;
            if (length < 0 || length > page.Length - position) return false;
            Unsafe.CopyBlockUnaligned(ref Unsafe.Add(ref target, used), ref Unsafe.Add(ref source, position), (uint)length);
            position += length;
            used += length;
            offsets[i + 1] = used;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int at, ReadOnlySpan<byte> value)
    {
        var from = _offsets![at];
        if (_heap.Length - from < value.Length) Reserve(at, value.Length);
        value.CopyTo(_heap.AsSpan(from));
        _offsets[at + 1] = from + value.Length;
    }
}
