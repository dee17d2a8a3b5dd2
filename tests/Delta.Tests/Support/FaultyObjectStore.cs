using System.Runtime.CompilerServices;

namespace Tidemark.Delta.Tests.Support;

public sealed class StoreFault(string message) : IOException(message);

/// <summary>Fails writes before or after their effect, as told.</summary>
public sealed class FaultyObjectStore(IObjectStore inner) : IObjectStore
{
    public enum Fault
    {
        None,
        Before,
        After,
    }

    /// <summary>Asked before each write with its path.</summary>
    public Func<string, Fault> OnWrite { get; set; } = _ => Fault.None;

    /// <summary>Runs right before a put-if-absent of a path takes place.</summary>
    public Func<string, Task> BeforePut { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs right before an object is read as a whole.</summary>
    public Func<string, Task> BeforeGet { get; set; } = _ => Task.CompletedTask;

    public async ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        await BeforePut(path);
        var fault = OnWrite(path);
        if (fault == Fault.Before) throw new StoreFault($"before {path}");
        var won = await inner.PutIfAbsentAsync(path, content, ct);
        return fault == Fault.After ? throw new StoreFault($"after {path}") : won;
    }

    public IObjectWriter OpenWrite(string path) => new Writer(this, inner.OpenWrite(path), path);

    public async ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        var fault = OnWrite(path);
        if (fault == Fault.Before) throw new StoreFault($"before {path}");
        await inner.PutAsync(path, content, ct);
        if (fault == Fault.After) throw new StoreFault($"after {path}");
    }

    public async ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct)
    {
        var fault = OnWrite(path);
        if (fault == Fault.Before) throw new StoreFault($"before {path}");
        var won = await inner.PutIfMatchAsync(path, content, etag, ct);
        return fault == Fault.After ? throw new StoreFault($"after {path}") : won;
    }

    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct)
    {
        await BeforeGet(path);
        return await inner.GetAsync(path, ct);
    }

    public ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct) => inner.GetRangeAsync(path, offset, length, ct);

    public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct) => inner.HeadAsync(path, ct);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var info in inner.ListAsync(prefix, startAfter, ct)) yield return info;
    }

    public async ValueTask DeleteAsync(string path, CancellationToken ct)
    {
        var fault = OnWrite(path);
        if (fault == Fault.Before) throw new StoreFault($"before {path}");
        await inner.DeleteAsync(path, ct);
        if (fault == Fault.After) throw new StoreFault($"after {path}");
    }

    // Each part is a write that may fail, and so is the commit.
    private sealed class Writer(FaultyObjectStore owner, IObjectWriter inner, string path) : IObjectWriter
    {
        public async ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct)
        {
            var fault = owner.OnWrite(path);
            if (fault == Fault.Before) throw new StoreFault($"before a part of {path}");
            await inner.WriteAsync(part, ct);
            if (fault == Fault.After) throw new StoreFault($"after a part of {path}");
        }

        public async ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct)
        {
            await owner.BeforePut(path);
            var fault = owner.OnWrite(path);
            if (fault == Fault.Before) throw new StoreFault($"before {path}");
            var won = await inner.CommitIfAbsentAsync(ct);
            return fault == Fault.After ? throw new StoreFault($"after {path}") : won;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
