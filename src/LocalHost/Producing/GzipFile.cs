using System.Buffers.Binary;
using System.IO.Compression;
using Tidemark.Delta.Parquet;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// Unpacks a gzip file (RFC 1952) of one member or of several, as <c>cat a.gz b.gz</c>, bgzip and what rotates logs make; zeros behind a member are padding.
/// <para><b>Damage.</b> Whatever is no whole member with the right checksum ends reading with <see cref="InvalidDataException"/>, after what could be unpacked before it.</para>
/// </summary>
/// <param name="file">The file, at its beginning; disposed with this.</param>
internal sealed class GzipFile(FileStream file) : Stream
{
    // What unpacks a member reads on behind its end, by less than this; the end is found by the trailer, whose eight bytes are known by then.
    private const int ReadAhead = 1 << 16;
    private const int TrailerLength = 8;

    private long member;
    private long bodyStart;
    private DeflateStream? body;
    private uint checksum;
    private uint length;

    [Flags]
    private enum Parts : byte
    {
        HeaderChecksum = 2,
        Extra = 4,
        Name = 8,
        Comment = 16,
    }

    /// <summary>What every member begins with.</summary>
    public static ReadOnlySpan<byte> Magic => [0x1f, 0x8b];

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <exception cref="InvalidDataException">The file is damaged; the message says where.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (body is not null || TryBegin())
        {
            var read = Unpack(buffer);
            checksum = Crc32.Of(buffer[..read], checksum);
            length += (uint)read;
            if (read > 0)
                return read;
            End();
        }

        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            body?.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Unpack(Span<byte> buffer)
    {
        try
        {
            return body!.Read(buffer);
        }
        catch (InvalidDataException)
        {
            throw Damaged();
        }
    }

    /// <summary>Reads a member's header. False: there is no further member.</summary>
    private bool TryBegin()
    {
        var first = file.ReadByte();
        while (first == 0)
            first = file.ReadByte();
        if (first < 0)
            return false;
        member = file.Position - 1;
        if (first != Magic[0] || file.ReadByte() != Magic[1])
            throw new InvalidDataException($"what begins at byte {member} is no gzip member");
        Span<byte> header = stackalloc byte[8];
        Fill(header);
        if (header[0] != 8)
            throw Damaged();
        var parts = (Parts)header[1];
        if (parts.HasFlag(Parts.Extra))
        {
            Fill(header[..2]);
            file.Position += BinaryPrimitives.ReadUInt16LittleEndian(header);
        }

        if (parts.HasFlag(Parts.Name))
            PassText();
        if (parts.HasFlag(Parts.Comment))
            PassText();
        if (parts.HasFlag(Parts.HeaderChecksum))
            file.Position += 2;
        (checksum, length, bodyStart) = (0, 0, file.Position);
        body = new DeflateStream(file, CompressionMode.Decompress, leaveOpen: true);
        return true;
    }

    private void End()
    {
        Span<byte> trailer = stackalloc byte[TrailerLength];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], length);
        var from = Math.Max(bodyStart, file.Position - ReadAhead);
        var window = new byte[file.Position - from + TrailerLength];
        file.Position = from;
        var read = file.ReadAtLeast(window, window.Length, throwOnEndOfStream: false);
        // Of an empty member the trailer is zeros and may be found a byte too early; the next one is then taken for padding.
        if (window.AsSpan(0, read).IndexOf(trailer) is not (>= 0 and var at))
            throw Damaged();
        file.Position = from + at + TrailerLength;
        body!.Dispose();
        body = null;
    }

    private void PassText()
    {
        int next;
        while ((next = file.ReadByte()) != 0)
            if (next < 0)
                throw Damaged();
    }

    private void Fill(Span<byte> buffer)
    {
        if (file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
            throw Damaged();
    }

    private InvalidDataException Damaged() => new($"the gzip member that begins at byte {member} is cut off or damaged");
}
