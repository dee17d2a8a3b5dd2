using System.Runtime.CompilerServices;

namespace Tidemark.Delta;

/// <summary>Requests by kind and bytes moved, since the counter was made. A listing counts one request per page of 5,000, an object in parts one put per part and one more.</summary>
public readonly record struct ObjectStoreCounts(long Puts, long Gets, long Heads, long Lists, long Deletes, long BytesWritten, long BytesRead)
{
    /// <summary>All requests together.</summary>
    public long Requests => Puts + Gets + Heads + Lists + Deletes;
}

/// <summary>Counts what passes through to another store; safe for concurrent use.</summary>
public sealed class CountingObjectStore(IObjectStore inner) : IObjectStore
{
    private const int PageSize = 5000;
    private long _puts, _gets, _heads, _lists, _deletes, _written, _read;

    /// <summary>The counts so far.</summary>
    public ObjectStoreCounts Counts => new(Volatile.Read(ref _puts), Volatile.Read(ref _gets), Volatile.Read(ref _heads),
        Volatile.Read(ref _lists), Volatile.Read(ref _deletes), Volatile.Read(ref _written), Volatile.Read(ref _read));

    public ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        CountPut(content);
        return inner.PutIfAbsentAsync(path, content, ct);
    }

    public IObjectWriter OpenWrite(string path) => new Writer(this, inner.OpenWrite(path));

    public ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        CountPut(content);
        return inner.PutAsync(path, content, ct);
    }

    public ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct)
    {
        CountPut(content);
        return inner.PutIfMatchAsync(path, content, etag, ct);
    }

    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct)
    {
        Interlocked.Increment(ref _gets);
        var content = await inner.GetAsync(path, ct).ConfigureAwait(false);
        Interlocked.Add(ref _read, content?.Length ?? 0);
        return content;
    }

    public async ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct)
    {
        Interlocked.Increment(ref _gets);
        var content = await inner.GetRangeAsync(path, offset, length, ct).ConfigureAwait(false);
        Interlocked.Add(ref _read, content?.Length ?? 0);
        return content;
    }

    public async ValueTask<int> ReadAsync(string path, long offset, Memory<byte> destination, CancellationToken ct)
    {
        Interlocked.Increment(ref _gets);
        var read = await inner.ReadAsync(path, offset, destination, ct).ConfigureAwait(false);
        Interlocked.Add(ref _read, Math.Max(read, 0));
        return read;
    }

    public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct)
    {
        Interlocked.Increment(ref _heads);
        return inner.HeadAsync(path, ct);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken ct)
    {
        Interlocked.Increment(ref _lists);
        var listed = 0;
        await foreach (var info in inner.ListAsync(prefix, startAfter, ct).ConfigureAwait(false))
        {
            if (++listed % PageSize == 0) Interlocked.Increment(ref _lists);
            yield return info;
        }
    }

    public ValueTask DeleteAsync(string path, CancellationToken ct)
    {
        Interlocked.Increment(ref _deletes);
        return inner.DeleteAsync(path, ct);
    }

    private sealed class Writer(CountingObjectStore owner, IObjectWriter inner) : IObjectWriter
    {
        public ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct)
        {
            owner.CountPut(part);
            return inner.WriteAsync(part, ct);
        }

        public ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct)
        {
            owner.CountPut(default);
            return inner.CommitIfAbsentAsync(ct);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private void CountPut(ReadOnlyMemory<byte> content)
    {
        Interlocked.Increment(ref _puts);
        Interlocked.Add(ref _written, content.Length);
    }
}
