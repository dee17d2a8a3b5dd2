using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>Content that is answered to many: made, tagged and compressed once. Thread-safe.</summary>
internal sealed class KeptBody
{
    private const int LeastToCompress = 1024;
    private readonly Lazy<byte[]?> _gzip;

    /// <param name="contentType">Type of the content.</param>
    /// <param name="bytes">The content.</param>
    /// <param name="same">What the tag is made of; null = the content. Less than that where parts, such as an age, change although nothing has.</param>
    public KeptBody(string contentType, ReadOnlyMemory<byte> bytes, ReadOnlyMemory<byte>? same = null)
    {
        (ContentType, Bytes) = (contentType, bytes);
        // Weak: the same content compressed or not.
        ETag = $"W/\"{Convert.ToHexStringLower(SHA256.HashData((same ?? bytes).Span).AsSpan(0, 12))}\"";
        _gzip = new Lazy<byte[]?>(Compress);
    }

    public string ContentType { get; }

    public ReadOnlyMemory<byte> Bytes { get; }

    public string ETag { get; }

    /// <summary>Compressed form; null where it is not worth it.</summary>
    public ReadOnlyMemory<byte>? Gzip => _gzip.Value is { } bytes ? bytes : null;

    /// <summary>An object as JSON, in snake_case unless said otherwise.</summary>
    public static KeptBody Json<T>(T value, JsonSerializerOptions? options = null) =>
        new("application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(value, options ?? StatusReport.Json));

    private byte[]? Compress()
    {
        if (Bytes.Length < LeastToCompress)
            return null;
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Bytes.Span);
        return stream.Length < Bytes.Length ? stream.ToArray() : null;
    }
}
