using Tidemark.Delta.Log;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta;

/// <summary>A write-only stream over a pooled buffer.</summary>
/// <param name="expected">About how many bytes will be written; saves growing.</param>
internal sealed class PooledStream(long expected = 0) : Stream
{
    private readonly ByteSink _sink = new((int)Math.Clamp(expected, 1 << 16, 1 << 30));

    public ReadOnlyMemory<byte> Written => _sink.WrittenMemory;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _sink.Length;

    public override long Position { get => _sink.Length; set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer) => _sink.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => _sink.Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _sink.Dispose();
        base.Dispose(disposing);
    }
}
