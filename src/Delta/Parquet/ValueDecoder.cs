using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Decodes the values of pages into a leaf's arrays.</summary>
internal sealed class ValueDecoder(ReadNode leaf, LeafData data, long budget, long expectedBytes)
{
    private const long JulianEpoch = 2_440_588, MicrosPerDay = 86_400_000_000;
    private readonly PhysicalType _type = leaf.Element.Physical!.Value;
    private int[]? _ints;
    private long[]? _longs;
    private float[]? _floats;
    private double[]? _doubles;
    private int _dictionaryCount = -1;

    private BytesData Bytes => data.Bytes ??= new BytesData(data.Entries, budget, expectedBytes);

    public void SetDictionary(ReadOnlyMemory<byte> page, int count)
    {
        if (_dictionaryCount >= 0) throw Broken("it has two dictionaries");
        var span = page.Span;
        var least = _type switch { PhysicalType.Int32 or PhysicalType.Float or PhysicalType.ByteArray => 4, PhysicalType.Int96 => 12, PhysicalType.FixedLenByteArray => leaf.Element.TypeLength, PhysicalType.Boolean => throw Broken("booleans with a dictionary"), _ => 8 };
        if (count < 0 || (long)count * least > span.Length) throw Broken($"its dictionary of {count} values has {span.Length} bytes");
        _dictionaryCount = count;
        switch (_type)
        {
            case PhysicalType.Int32: _ints = MemoryMarshal.Cast<byte, int>(span[..(count * 4)]).ToArray(); break;
            case PhysicalType.Int64: _longs = MemoryMarshal.Cast<byte, long>(span[..(count * 8)]).ToArray(); break;
            case PhysicalType.Float: _floats = MemoryMarshal.Cast<byte, float>(span[..(count * 4)]).ToArray(); break;
            case PhysicalType.Double: _doubles = MemoryMarshal.Cast<byte, double>(span[..(count * 8)]).ToArray(); break;
            case PhysicalType.Int96:
                _longs = new long[count];
                for (var i = 0; i < count; i++) _longs[i] = Int96(span[(12 * i)..]);
                break;
            default: SetBytesDictionary(span, count); break;
        }
    }

    private void SetBytesDictionary(ReadOnlySpan<byte> span, int count)
    {
        var offsets = new int[count + 1];
        var heap = new byte[span.Length];
        int at = 0, used = 0;
        for (var i = 0; i < count; i++)
        {
            var value = NextBytes(span, ref at);
            value.CopyTo(heap.AsSpan(used));
            offsets[i + 1] = used += value.Length;
        }

        Bytes.SetDictionary(heap, offsets);
    }

    private ReadOnlySpan<byte> NextBytes(ReadOnlySpan<byte> span, ref int at)
    {
        var length = leaf.Element.TypeLength;
        if (_type == PhysicalType.ByteArray)
        {
            if (span.Length - at < 4) throw Cut();
            length = BinaryPrimitives.ReadInt32LittleEndian(span[at..]);
            at += 4;
        }

        if (length < 0 || length > span.Length - at) throw Cut();
        var value = span.Slice(at, length);
        at += length;
        return value;
    }

    /// <summary>Puts <paramref name="count"/> values at <paramref name="at"/> of the leaf's array.</summary>
    public void Decode(ParquetEncoding encoding, ReadOnlyMemory<byte> page, int at, int count)
    {
        if (count == 0) return;
        switch (encoding)
        {
            case ParquetEncoding.Plain: Plain(page.Span, at, count); break;
            case ParquetEncoding.PlainDictionary or ParquetEncoding.RleDictionary: Codes(page.Span, at, count); break;
            case ParquetEncoding.Rle when _type == PhysicalType.Boolean: BooleanRuns(page.Span, at, count); break;
            case ParquetEncoding.DeltaBinaryPacked when _type is PhysicalType.Int32 or PhysicalType.Int64: Deltas(page.Span, at, count); break;
            case ParquetEncoding.DeltaLengthByteArray when _type == PhysicalType.ByteArray: DeltaLengths(page.Span, at, count); break;
            case ParquetEncoding.DeltaByteArray when _type is PhysicalType.ByteArray or PhysicalType.FixedLenByteArray: DeltaStrings(page.Span, at, count); break;
            case ParquetEncoding.ByteStreamSplit when _type is PhysicalType.Int32 or PhysicalType.Int64 or PhysicalType.Float or PhysicalType.Double: Split(page.Span, at, count); break;
            default: throw new DeltaUnsupportedException($"Column '{leaf.Name}' of the Parquet file is encoded as {encoding} over {_type}, which is not supported here.");
        }
    }

    private void Plain(ReadOnlySpan<byte> page, int at, int count)
    {
        switch (_type)
        {
            case PhysicalType.Boolean:
                if (page.Length * 8L < count) throw Cut();
                var booleans = data.Booleans ??= new bool[data.Entries];
                for (var i = 0; i < count; i++) booleans[at + i] = (page[i >> 3] >> (i & 7) & 1) != 0;
                break;
            case PhysicalType.Int32: Copy(page, data.Ints ??= New<int>(), at, count); break;
            case PhysicalType.Int64: Copy(page, data.Longs ??= New<long>(), at, count); break;
            case PhysicalType.Float: Copy(page, data.Floats ??= New<float>(), at, count); break;
            case PhysicalType.Double: Copy(page, data.Doubles ??= New<double>(), at, count); break;
            case PhysicalType.Int96:
                if (page.Length < 12L * count) throw Cut();
                var longs = data.Longs ??= New<long>();
                for (var i = 0; i < count; i++) longs[at + i] = Int96(page[(12 * i)..]);
                break;
            default:
                Bytes.MakePlain(at);
                if (_type == PhysicalType.ByteArray)
                {
                    if (!Bytes.AddPlain(at, count, page)) throw Cut();
                    break;
                }

                var position = 0;
                for (var i = 0; i < count; i++) Bytes.Add(at + i, NextBytes(page, ref position));
                break;
        }
    }

    private T[] New<T>() => GC.AllocateUninitializedArray<T>(data.Entries);

    private void Copy<T>(ReadOnlySpan<byte> page, T[] target, int at, int count) where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(page);
        if (values.Length < count) throw Cut();
        values[..count].CopyTo(target.AsSpan(at));
    }

    private void Codes(ReadOnlySpan<byte> page, int at, int count)
    {
        if (_dictionaryCount < 0) throw Broken("it has codes and no dictionary");
        if (page.Length < 1) throw Cut();
        int width = page[0];
        if (_type is PhysicalType.ByteArray or PhysicalType.FixedLenByteArray && !Bytes.IsPlain)
        {
            var target = Bytes.CodesFor(at, count);
            RleDecoder.Decode(page[1..], width, target);
            CheckCodes(target);
            return;
        }

        var rented = ArrayPool<int>.Shared.Rent(count);
        try
        {
            var codes = rented.AsSpan(0, count);
            RleDecoder.Decode(page[1..], width, codes);
            CheckCodes(codes);
            switch (_type)
            {
                case PhysicalType.Int32: Look(codes, _ints!, data.Ints ??= New<int>(), at); break;
                case PhysicalType.Int64 or PhysicalType.Int96: Look(codes, _longs!, data.Longs ??= New<long>(), at); break;
                case PhysicalType.Float: Look(codes, _floats!, data.Floats ??= New<float>(), at); break;
                case PhysicalType.Double: Look(codes, _doubles!, data.Doubles ??= New<double>(), at); break;
                default: Bytes.AddCodes(at, codes); break;
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(rented);
        }
    }

    private void CheckCodes(ReadOnlySpan<int> codes)
    {
        var (min, max) = Bounds.Of(codes);
        if (min < 0 || max >= _dictionaryCount) throw Broken($"a code points outside its dictionary of {_dictionaryCount} values");
    }

    private static void Look<T>(ReadOnlySpan<int> codes, T[] dictionary, T[] target, int at)
    {
        var into = target.AsSpan(at, codes.Length);
        for (var i = 0; i < codes.Length; i++) into[i] = dictionary[codes[i]];
    }

    private void BooleanRuns(ReadOnlySpan<byte> page, int at, int count)
    {
        if (page.Length < 4) throw Cut();
        var length = BinaryPrimitives.ReadInt32LittleEndian(page);
        if (length < 0 || length > page.Length - 4) throw Cut();
        var levels = new byte[count];
        RleDecoder.Decode(page.Slice(4, length), 1, levels);
        var booleans = data.Booleans ??= new bool[data.Entries];
        for (var i = 0; i < count; i++) booleans[at + i] = levels[i] != 0;
    }

    private void Deltas(ReadOnlySpan<byte> page, int at, int count)
    {
        var values = new long[count];
        DeltaDecoder.Decode(page, values, _type == PhysicalType.Int32, out var got);
        if (got < count) throw Cut();
        if (_type == PhysicalType.Int64)
        {
            values.CopyTo((data.Longs ??= New<long>()).AsSpan(at));
            return;
        }

        var ints = data.Ints ??= New<int>();
        for (var i = 0; i < count; i++) ints[at + i] = (int)values[i];
    }

    // All first bytes, then all second bytes, and so on: put back together they are PLAIN.
    private void Split(ReadOnlySpan<byte> page, int at, int count)
    {
        var width = _type is PhysicalType.Int32 or PhysicalType.Float ? 4 : 8;
        if (page.Length < (long)count * width) throw Cut();
        var stride = page.Length / width;
        var plain = new byte[count * width];
        for (var i = 0; i < count; i++)
        {
            for (var b = 0; b < width; b++) plain[i * width + b] = page[b * stride + i];
        }

        Plain(plain, at, count);
    }

    private void DeltaLengths(ReadOnlySpan<byte> page, int at, int count)
    {
        Bytes.MakePlain(at);
        var lengths = new long[count];
        var position = DeltaDecoder.Decode(page, lengths, true, out var got);
        if (got < count) throw Cut();
        for (var i = 0; i < count; i++)
        {
            if (lengths[i] < 0 || lengths[i] > page.Length - position) throw Cut();
            Bytes.Add(at + i, page.Slice(position, (int)lengths[i]));
            position += (int)lengths[i];
        }
    }

    private void DeltaStrings(ReadOnlySpan<byte> page, int at, int count)
    {
        Bytes.MakePlain(at);
        long[] prefixes = new long[count], suffixes = new long[count];
        var position = DeltaDecoder.Decode(page, prefixes, true, out var got);
        if (got < count) throw Cut();
        position += DeltaDecoder.Decode(page[position..], suffixes, true, out got);
        if (got < count) throw Cut();
        byte[] last = [];
        for (var i = 0; i < count; i++)
        {
            if (prefixes[i] < 0 || prefixes[i] > last.Length || suffixes[i] < 0 || suffixes[i] > page.Length - position) throw Cut();
            var value = new byte[prefixes[i] + suffixes[i]];
            last.AsSpan(0, (int)prefixes[i]).CopyTo(value);
            page.Slice(position, (int)suffixes[i]).CopyTo(value.AsSpan((int)prefixes[i]));
            position += (int)suffixes[i];
            Bytes.Add(at + i, value);
            last = value;
        }
    }

    // Nanoseconds of the day and the Julian day; a day may be out of range, then arithmetic wraps as in other readers.
    private static long Int96(ReadOnlySpan<byte> value)
    {
        var nanos = BinaryPrimitives.ReadInt64LittleEndian(value);
        var day = BinaryPrimitives.ReadInt32LittleEndian(value[8..]);
        return unchecked((day - JulianEpoch) * MicrosPerDay + nanos / 1000);
    }

    private DeltaFormatException Cut() => Broken("a page ends early");

    private DeltaFormatException Broken(string why) => new($"Column '{leaf.Name}' of the Parquet file is broken: {why}.");
}
