using Tidemark.Delta;

namespace Tidemark.Functions.Lake;

/// <summary>
/// A store that still has what was written through it a moment ago, up to so many bytes: a tick in the process that staged a batch need not read it back.
/// Only of objects that never change once they are there: data files of tables and staged blobs, whose names no other attempt has.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="capacity">Most bytes that are held; the oldest go first.</param>
internal sealed class RecentObjects(IObjectStore store, long capacity) : IObjectStore
{
    /// <summary>What a process holds.</summary>
    public const long DefaultCapacity = 48L << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, byte[]> _held = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private long _bytes;

    /// <summary>Names that are kept for what is, or was, held.</summary>
    internal int Names
    {
        get
        {
            lock (_gate)
                return _order.Count;
        }
    }

    public async ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        if (!await store.PutIfAbsentAsync(path, content, ct))
            return false;
        Hold(path, content);
        return true;
    }

    public async ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        Drop(path);
        await store.PutAsync(path, content, ct);
        Hold(path, content);
    }

    public ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct)
    {
        Drop(path);
        return store.PutIfMatchAsync(path, content, etag, ct);
    }

    // Large; whoever reads one of these does it later and elsewhere.
    public IObjectWriter OpenWrite(string path) => store.OpenWrite(path);

    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct) =>
        Find(path) is { } content ? new(new ReadOnlyMemory<byte>(content)) : store.GetAsync(path, ct);

    public ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct) =>
        Find(path) is { } content ? new(Cut(content, offset, length)) : store.GetRangeAsync(path, offset, length, ct);

    public ValueTask<int> ReadAsync(string path, long offset, Memory<byte> destination, CancellationToken ct)
    {
        if (Find(path) is not { } content)
            return store.ReadAsync(path, offset, destination, ct);
        var part = Cut(content, offset, destination.Length);
        part.CopyTo(destination);
        return new(part.Length);
    }

    public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct) => store.HeadAsync(path, ct);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken ct) => store.ListAsync(prefix, startAfter, ct);

    public ValueTask DeleteAsync(string path, CancellationToken ct)
    {
        Drop(path);
        return store.DeleteAsync(path, ct);
    }

    /// <summary>Whether an object of this name has one content for ever.</summary>
    private static bool IsWrittenOnce(string path) =>
        path.StartsWith(LakePaths.AllStaging, StringComparison.Ordinal)
        || (path.EndsWith(".parquet", StringComparison.Ordinal) && !path.Contains("/_delta_log/", StringComparison.Ordinal));

    private static ReadOnlyMemory<byte> Cut(byte[] content, long offset, int length) =>
        offset >= content.Length ? ReadOnlyMemory<byte>.Empty : content.AsMemory((int)offset, (int)Math.Min(length, content.Length - offset));

    private byte[]? Find(string path)
    {
        lock (_gate)
            return _held.GetValueOrDefault(path);
    }

    private void Hold(string path, ReadOnlyMemory<byte> written)
    {
        // The writer's memory is used again.
        if (!IsWrittenOnce(path) || written.Length > capacity / 4)
            return;
        var copy = written.ToArray();
        lock (_gate)
        {
            if (!_held.TryAdd(path, copy))
                return;
            _order.Enqueue(path);
            _bytes += copy.Length;
            // Names of what was dropped go too when they are the oldest, so that they do not pile up where little is written and all of it is deleted.
            while (_order.TryPeek(out var oldest) && (_bytes > capacity || !_held.ContainsKey(oldest)))
                if (_held.Remove(_order.Dequeue(), out var content))
                    _bytes -= content.Length;
        }
    }

    // The name stays in the order until its turn comes.
    private void Drop(string path)
    {
        lock (_gate)
            if (_held.Remove(path, out var content))
                _bytes -= content.Length;
    }
}
