using System.Runtime.CompilerServices;

namespace Tidemark.Delta;

/// <summary>Objects in memory, for tests and simulations; the same contract as the durable stores.</summary>
public sealed class MemoryObjectStore(TimeProvider? time = null) : IObjectStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Entry> _objects = new(StringComparer.Ordinal);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long _writes;

    private readonly record struct Entry(byte[] Content, DateTimeOffset Modified, long Write);

    public ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        lock (_gate) return new(_objects.TryAdd(path, Make(content)));
    }

    public IObjectWriter OpenWrite(string path) => new Writer(this, path);

    public ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        lock (_gate) _objects[path] = Make(content);
        return default;
    }

    public ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct)
    {
        lock (_gate)
        {
            if (!_objects.TryGetValue(path, out var entry) || Describe(path, entry).ETag != etag) return new(false);
            _objects[path] = Make(content);
            return new(true);
        }
    }

    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct)
    {
        lock (_gate) return new(_objects.TryGetValue(path, out var entry) ? new ReadOnlyMemory<byte>(entry.Content) : (ReadOnlyMemory<byte>?)null);
    }

    public ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct)
    {
        lock (_gate)
        {
            if (!_objects.TryGetValue(path, out var entry)) return new((ReadOnlyMemory<byte>?)null);
            var from = (int)Math.Min(offset, entry.Content.Length);
            return new(entry.Content.AsMemory(from, Math.Min(length, entry.Content.Length - from)));
        }
    }

    public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct)
    {
        lock (_gate) return new(_objects.TryGetValue(path, out var entry) ? Describe(path, entry) : (ObjectInfo?)null);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        List<ObjectInfo> found;
        lock (_gate)
        {
            found = [.. _objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)
                && (startAfter is null || string.CompareOrdinal(o.Key, startAfter) > 0)).Select(o => Describe(o.Key, o.Value))];
        }

        foreach (var info in found)
        {
            ct.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    public ValueTask DeleteAsync(string path, CancellationToken ct)
    {
        lock (_gate) _objects.Remove(path);
        return default;
    }

    private sealed class Writer(MemoryObjectStore store, string path) : IObjectWriter
    {
        private readonly MemoryStream _parts = new();

        public ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct)
        {
            _parts.Write(part.Span);
            return default;
        }

        public ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct) => store.PutIfAbsentAsync(path, _parts.GetBuffer().AsMemory(0, (int)_parts.Length), ct);

        public ValueTask DisposeAsync() => default;
    }

    private Entry Make(ReadOnlyMemory<byte> content) => new(content.ToArray(), _time.GetUtcNow(), ++_writes);

    private static ObjectInfo Describe(string path, Entry entry) => new(path, entry.Content.Length, entry.Modified, $"{entry.Write}");
}
