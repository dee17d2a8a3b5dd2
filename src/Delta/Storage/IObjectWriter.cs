namespace Tidemark.Delta;

/// <summary>
/// An object that is stored part by part, so that whoever writes it never holds it whole. From <see cref="IObjectStore.OpenWrite"/>; for one
/// caller at a time.
/// <para><b>Atomicity.</b> Nothing of it is seen before <see cref="CommitIfAbsentAsync"/>, and then all of it. Parts of writers that race for
/// one path never mix. Disposing without a commit leaves no object; what the store keeps of the parts it removes by itself in time.</para>
/// </summary>
public interface IObjectWriter : IAsyncDisposable
{
    /// <summary>Stores the next part: one request on services that count them. The memory is the caller's again afterwards.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct);

    /// <summary>
    /// Makes the object of all parts so far, unless one is there. True: it is there and it is this one, even if an earlier try of this very call
    /// made it. False: there was another one.
    /// </summary>
    ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct);
}
