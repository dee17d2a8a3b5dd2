using Tidemark.Delta.Parquet;

namespace Tidemark.Delta;

/// <summary>
/// An object on its way to a store. Bytes are taken in at any time and leave in parts of one size when SendAsync is called, so
/// memory holds what came between two calls and no more than one part of what came before. An object that fits in one part is stored in one request.
/// </summary>
internal sealed class ObjectUpload(IObjectStore store, string path, int partBytes) : Stream
{
    private const int FirstBytes = 1 << 16, LargeBytes = 1 << 20;
    private readonly Queue<ByteSink> _full = new();
    private ByteSink _part = new(Math.Min(partBytes, FirstBytes));
    private IObjectWriter? _writer;
    private long _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position { get => _length; set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _length += buffer.Length;
        while (!buffer.IsEmpty)
        {
            if (_part.Length == partBytes)
            {
                _full.Enqueue(_part);
                _part = new ByteSink(Math.Min(partBytes, FirstBytes));
            }

            // What has outgrown a small file will mostly fill a part; growing step by step would leave as much behind again.
            if (_part.Length > LargeBytes) _part.Reserve(partBytes - _part.Length);
            var piece = buffer[..Math.Min(buffer.Length, partBytes - _part.Length)];
            _part.Write(piece);
            buffer = buffer[piece.Length..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Stores the parts that are full.</summary>
    public async ValueTask SendAsync(CancellationToken ct)
    {
        while (_full.TryPeek(out var part))
        {
            await SendAsync(part, ct).ConfigureAwait(false);
            _full.Dequeue().Dispose();
        }
    }

    private ValueTask SendAsync(ByteSink part, CancellationToken ct) => (_writer ??= store.OpenWrite(path)).WriteAsync(part.WrittenMemory, ct);

    /// <summary>Stores the rest and makes the object appear unless there is one. False: there was another.</summary>
    public async ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct)
    {
        await SendAsync(ct).ConfigureAwait(false);
        if (_writer is null)
        {
            // A client that repeats a put whose first try did land is told that the object is there; then it is this very one.
            return await store.PutIfAbsentAsync(path, _part.WrittenMemory, ct).ConfigureAwait(false)
                || await store.GetAsync(path, ct).ConfigureAwait(false) is { } there && there.Span.SequenceEqual(_part.Written);
        }

        await SendAsync(_part, ct).ConfigureAwait(false);
        _part.Clear();
        return await _writer.CommitIfAbsentAsync(ct).ConfigureAwait(false);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (_writer is not null) await _writer.DisposeAsync().ConfigureAwait(false);
        _part.Dispose();
        while (_full.TryDequeue(out var part)) part.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
