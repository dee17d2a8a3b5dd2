using System.Buffers;

namespace Tidemark.Delta.Parquet;

/// <summary>Bytes of one file, by range.</summary>
internal interface IByteSource
{
    long Length { get; }

    ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, int length, CancellationToken ct);
}

/// <summary>A file that is in memory.</summary>
internal sealed class MemorySource(ReadOnlyMemory<byte> bytes) : IByteSource
{
    public long Length => bytes.Length;

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, int length, CancellationToken ct) => new(bytes.Slice((int)offset, length));
}

/// <summary>A file in an object store. Small files are fetched whole, so that a footer and its columns cost one request.</summary>
/// <param name="store">Where it lies.</param>
/// <param name="path">Its path.</param>
/// <param name="length">Its size.</param>
/// <param name="reuse">Reads into one buffer: what was read is overwritten by the next read, and given back on disposal.</param>
internal sealed class StoredSource(IObjectStore store, string path, long length, bool reuse = false) : IByteSource, IDisposable
{
    private const int WholeBelow = 1 << 20;
    private ReadOnlyMemory<byte>? _whole;
    private byte[] _buffer = [];

    public long Length => length;

    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, int count, CancellationToken ct)
    {
        if (length <= WholeBelow)
        {
            _whole ??= await store.GetAsync(path, ct).ConfigureAwait(false) ?? throw Gone();
            if (_whole.Value.Length != length) throw new DeltaFormatException($"File {path} has {_whole.Value.Length} bytes where {length} were announced.");
            return _whole.Value.Slice((int)offset, count);
        }

        var bytes = reuse
            ? await ReadIntoBufferAsync(offset, count, ct).ConfigureAwait(false)
            : await store.GetRangeAsync(path, offset, count, ct).ConfigureAwait(false) ?? throw Gone();
        return bytes.Length == count ? bytes : throw new DeltaFormatException($"File {path} ends at {offset + bytes.Length} where {length} bytes were announced.");
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadIntoBufferAsync(long offset, int count, CancellationToken ct)
    {
        if (_buffer.Length < count)
        {
            Dispose();
            _buffer = ArrayPool<byte>.Shared.Rent(count);
        }

        var read = await store.ReadAsync(path, offset, _buffer.AsMemory(0, count), ct).ConfigureAwait(false);
        return read < 0 ? throw Gone() : _buffer.AsMemory(0, read);
    }

    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private DeltaFormatException Gone() => new($"File {path} is not in the store; it was removed, or the log names it wrongly.");
}
