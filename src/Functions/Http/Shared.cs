namespace Tidemark.Functions.Http;

/// <summary>
/// What many viewers ask for, read once: a value younger than <paramref name="fresh"/> is given to all, and while it is being read all wait for the
/// one that reads. A failure is kept for as long, so that viewers cannot press on storage that is away. Thread-safe.
/// </summary>
internal sealed class Shared<T>(TimeSpan fresh, TimeProvider time)
{
    private readonly SemaphoreSlim _one = new(1);
    private volatile Read? _last;

    /// <summary>The value; <paramref name="read"/> is called where there is none or it is old.</summary>
    public async Task<T> GetAsync(Func<CancellationToken, Task<T>> read, CancellationToken cancel)
    {
        if (Fresh() is { } known)
            return known.Value();
        await _one.WaitAsync(cancel);
        try
        {
            if (Fresh() is { } meanwhile)
                return meanwhile.Value();
            var value = await read(cancel);
            _last = new Read(time.GetUtcNow(), value, null);
            return value;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _last = new Read(time.GetUtcNow(), default, e);
            throw;
        }
        finally
        {
            _one.Release();
        }
    }

    private Read? Fresh() => _last is { } last && time.GetUtcNow() - last.At < fresh ? last : null;

    private sealed record Read(DateTimeOffset At, T? Known, Exception? Failure)
    {
        public T Value() => Failure is null ? Known! : throw new IOException(Failure.Message.Split('\n')[0], Failure);
    }
}
