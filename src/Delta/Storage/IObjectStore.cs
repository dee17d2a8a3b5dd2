namespace Tidemark.Delta;

/// <summary>What is known of a stored object without reading it.</summary>
/// <param name="Path">Path relative to the store's root, `/` between parts, not encoded.</param>
/// <param name="Size">Bytes.</param>
/// <param name="LastModified">The store's own clock, UTC.</param>
/// <param name="ETag">Changes whenever the content does; opaque.</param>
public readonly record struct ObjectInfo(string Path, long Size, DateTimeOffset LastModified, string ETag);

/// <summary>
/// The few operations a Delta table needs of its storage. Paths are relative to the store's root, with `/` between parts and
/// no leading slash; they are raw names, never percent-encoded.
/// <para><b>Atomicity.</b> A reader sees an object whole or not at all. <see cref="PutIfAbsentAsync"/> has one winner among any
/// number of racing writers: this is what a Delta commit rests on.</para>
/// <para><b>Consistency.</b> A read or a listing that starts after a write has returned sees that write.</para>
/// <para><b>Failure.</b> Any operation may throw after its effect has taken place (a cut connection); the callers in this
/// library resolve that by reading back. An implementation must not repeat <see cref="PutIfAbsentAsync"/> blindly, or if its
/// client does, the callers' check of the commit's own id covers it. An absent object is a null or false result, never an
/// exception.</para>
/// </summary>
public interface IObjectStore
{
    /// <summary>Creates the object unless one is there. True: this call created it. False: there was one already.</summary>
    ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct);

    /// <summary>Starts an object that is stored part by part; without a part it ends up empty. Asks nothing of the store yet.</summary>
    IObjectWriter OpenWrite(string path);

    /// <summary>Creates or replaces the object.</summary>
    ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct);

    /// <summary>Replaces the object only if its ETag is still <paramref name="etag"/>. False: it has changed or is gone.</summary>
    ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct);

    /// <summary>The whole object, or null when there is none.</summary>
    ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct);

    /// <summary>Bytes [offset, offset + length), cut at the end of the object; null when there is no such object.</summary>
    ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct);

    /// <summary>
    /// As <see cref="GetRangeAsync"/>, into the caller's memory: the bytes from an offset on, as many as there are and fit; -1 when there is no such
    /// object. A store that can should fill the memory without a copy.
    /// </summary>
    async ValueTask<int> ReadAsync(string path, long offset, Memory<byte> destination, CancellationToken ct)
    {
        if (await GetRangeAsync(path, offset, destination.Length, ct).ConfigureAwait(false) is not { } bytes) return -1;
        bytes.CopyTo(destination);
        return bytes.Length;
    }

    /// <summary>Size, time and ETag, or null when there is no such object.</summary>
    ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct);

    /// <summary>
    /// All objects whose path starts with <paramref name="prefix"/> (a plain string prefix, which may end inside a name) and is
    /// greater than <paramref name="startAfter"/>, in ordinal order of the path. Directories are not objects.
    /// </summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken ct);

    /// <summary>Removes the object; nothing happens when there is none.</summary>
    ValueTask DeleteAsync(string path, CancellationToken ct);
}
