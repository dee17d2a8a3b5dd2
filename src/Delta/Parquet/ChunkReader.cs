using System.Buffers;
using System.Buffers.Binary;

namespace Tidemark.Delta.Parquet;

/// <summary>Decodes one column chunk from its bytes.</summary>
internal sealed class ChunkReader(ReadNode leaf, ChunkMetadata chunk, ReadOnlyMemory<byte> bytes, ReadLimits limits)
{
    private readonly LeafData _data = new() { Entries = checked((int)chunk.Values) };
    private ValueDecoder? _values;
    private int _entries;

    public LeafData Read()
    {
        _values = new ValueDecoder(leaf, _data, limits.Budget, Math.Min(chunk.RawBytes, 64 + chunk.StoredBytes * 32));
        var at = 0;
        while (_entries < _data.Entries)
        {
            if (at >= bytes.Length) throw Broken($"its pages end after {_entries} of {_data.Entries} values");
            var thrift = new ThriftReader(bytes.Span[at..]);
            var header = PageHeader.Read(ref thrift);
            at += thrift.Position;
            if (header.StoredBytes < 0 || header.StoredBytes > bytes.Length - at) throw Broken("a page runs past its end");
            var stored = bytes.Slice(at, header.StoredBytes);
            at += header.StoredBytes;
            CheckSize(header);
            // Over the page as it is stored, whatever its version.
            if (limits.VerifyChecksums && header.Checksum is { } checksum && Crc32.Of(stored.Span) != checksum)
                throw Broken($"the checksum of the page that starts at value {_entries} does not match its bytes; the file was damaged after it was written");
            switch (header.Type)
            {
                case PageType.Dictionary: ReadDictionary(header, stored); break;
                case PageType.Data: ReadPage(header, stored); break;
                case PageType.DataV2: ReadPageV2(header, stored); break;
            }
        }

        return _data;
    }

    // No codec used here makes more of its input than this, so a header that says so is wrong or a bomb.
    private void CheckSize(PageHeader header)
    {
        long most = chunk.Codec switch
        {
            (int)ParquetCompression.Snappy => 64 + header.StoredBytes * 32L,
            (int)ParquetCompression.Gzip => 64 + header.StoredBytes * 1100L,
            (int)ParquetCompression.Brotli => int.MaxValue,
            (int)ParquetCompression.None => header.StoredBytes,
            _ => int.MaxValue,
        };
        if (header.RawBytes < 0 || header.RawBytes > limits.Budget || header.RawBytes > most)
            throw Broken($"a page of {header.StoredBytes} bytes claims to expand to {header.RawBytes}");
    }

    private void ReadDictionary(PageHeader header, ReadOnlyMemory<byte> stored)
    {
        if (header.Encoding is not (ParquetEncoding.Plain or ParquetEncoding.PlainDictionary)) throw Broken($"its dictionary is encoded as {header.Encoding}");
        Expand(stored, header.RawBytes, page => _values!.SetDictionary(page, header.Values));
    }

    private void Expand(ReadOnlyMemory<byte> stored, int size, Action<ReadOnlyMemory<byte>> use)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(size + PageBuffer.Slack);
        try
        {
            PageCodec.Expand(chunk.Codec, stored, buffer.AsSpan(0, size));
            use(buffer.AsMemory(0, size));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void CheckCount(PageHeader header)
    {
        if (header.Values < 0 || header.Values > _data.Entries - _entries) throw Broken($"its pages hold more than the {_data.Entries} values it declares");
    }

    private void ReadPage(PageHeader header, ReadOnlyMemory<byte> stored)
    {
        CheckCount(header);
        Expand(stored, header.RawBytes, page =>
        {
            var at = 0;
            if (leaf.Repetition > 0) at += Levels(page.Span[at..], header.RepetitionEncoding, header.Values, leaf.Repetition, repetition: true);
            var present = header.Values;
            if (leaf.Definition > 0)
            {
                at += Levels(page.Span[at..], header.DefinitionEncoding, header.Values, leaf.Definition, repetition: false);
                present = CountPresent(header.Values);
            }

            _values!.Decode(header.Encoding, page[at..], _data.Present, present);
            _data.Present += present;
            _entries += header.Values;
        });
    }

    private void ReadPageV2(PageHeader header, ReadOnlyMemory<byte> stored)
    {
        CheckCount(header);
        int repetition = header.RepetitionBytes, definition = header.DefinitionBytes;
        if (repetition < 0 || definition < 0 || (long)repetition + definition > Math.Min(stored.Length, header.RawBytes)) throw Broken("the levels of a page run past its end");
        var padded = ArrayPool<byte>.Shared.Rent(repetition + definition + PageBuffer.Slack);
        try
        {
            stored.Span[..(repetition + definition)].CopyTo(padded);
            if (leaf.Repetition > 0) LevelRuns(padded.AsSpan(0, repetition), header.Values, leaf.Repetition, repetition: true);
            if (leaf.Definition > 0) LevelRuns(padded.AsSpan(repetition, definition), header.Values, leaf.Definition, repetition: false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(padded);
        }

        var present = leaf.Definition > 0 ? CountPresent(header.Values) : header.Values;
        var body = stored[(repetition + definition)..];
        void Use(ReadOnlyMemory<byte> page)
        {
            _values!.Decode(header.Encoding, page, _data.Present, present);
            _data.Present += present;
            _entries += header.Values;
        }

        var raw = header.RawBytes - repetition - definition;
        if (header.Compressed && body.Length > 0)
        {
            Expand(body, raw, Use);
            return;
        }

        var plain = ArrayPool<byte>.Shared.Rent(body.Length + PageBuffer.Slack);
        try
        {
            body.Span.CopyTo(plain);
            Use(plain.AsMemory(0, body.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    private int Levels(ReadOnlySpan<byte> page, ParquetEncoding encoding, int count, int max, bool repetition)
    {
        var width = RleEncoder.BitWidth(max);
        if (encoding == ParquetEncoding.BitPacked)
        {
            var size = (int)(((long)count * width + 7) / 8);
            if (size > page.Length) throw Broken("the levels of a page run past its end");
            LevelBits(page[..size], count, width, repetition);
            return size;
        }

        if (encoding != ParquetEncoding.Rle) throw new DeltaUnsupportedException($"Column '{leaf.Name}' of the Parquet file encodes levels as {encoding}, which is not supported here.");
        if (page.Length < 4) throw Broken("the levels of a page are cut off");
        var length = BinaryPrimitives.ReadInt32LittleEndian(page);
        if (length < 0 || length > page.Length - 4) throw Broken("the levels of a page run past its end");
        LevelRuns(page.Slice(4, length), count, max, repetition);
        return 4 + length;
    }

    private void LevelRuns(ReadOnlySpan<byte> runs, int count, int max, bool repetition)
    {
        var width = RleEncoder.BitWidth(max);
        var target = Target(repetition, max).AsSpan(_entries, count);
        RleDecoder.Decode(runs, width, target);
        if (target.Length > 0 && target.IndexOfAnyExceptInRange((byte)0, (byte)max) >= 0) throw Broken($"a level passes {max}");
    }

    // The old packing of levels: highest bit first, no runs.
    private void LevelBits(ReadOnlySpan<byte> bits, int count, int width, bool repetition)
    {
        var target = Target(repetition, 0).AsSpan(_entries, count);
        for (var i = 0; i < count; i++)
        {
            var level = 0;
            for (var b = 0; b < width; b++)
            {
                var bit = i * width + b;
                level = level << 1 | bits[bit >> 3] >> 7 - (bit & 7) & 1;
            }

            target[i] = (byte)level;
        }
    }

    private byte[] Target(bool repetition, int max)
    {
        if (max > 255) throw Broken($"it has {max} levels");
        return repetition ? _data.Repetition ??= ArrayPool<byte>.Shared.Rent(_data.Entries) : _data.Definition ??= ArrayPool<byte>.Shared.Rent(_data.Entries);
    }

    private int CountPresent(int count) => _data.Definition.AsSpan(_entries, count).Count((byte)leaf.Definition);

    private DeltaFormatException Broken(string why) => new($"Column '{string.Join('.', chunk.Path)}' of the Parquet file is broken: {why}.");
}
