using System.Runtime.ExceptionServices;

namespace Tidemark.Delta.Log;

/// <summary>How one attempt to write a version ended.</summary>
internal enum CommitOutcome
{
    Won,
    Lost,
}

/// <summary>
/// Puts a commit at its version if nobody has. When the store fails without saying whether the put took place, the version is
/// read back and told apart by the commit's own id.
/// </summary>
internal sealed class Committer(IObjectStore store, LogReader log, string root)
{
    private const int Puts = 3;

    public async ValueTask<CommitOutcome> TryAsync(long version, ReadOnlyMemory<byte> content, string txnId, CancellationToken ct)
    {
        var path = root + LogPath.Commit(version);
        ExceptionDispatchInfo? failure = null;
        for (var attempt = 1; attempt <= Puts; attempt++)
        {
            try
            {
                if (await store.PutIfAbsentAsync(path, content, ct).ConfigureAwait(false)) return CommitOutcome.Won;
            }
            catch (Exception ambiguous)
            {
                failure = ExceptionDispatchInfo.Capture(ambiguous);
            }

            // Lost, or unknown. The read is not cancelled with the request: the caller must learn whether its commit counts.
            if (await log.ReadCommitAsync(version, failure is null ? ct : CancellationToken.None).ConfigureAwait(false) is { } winner)
            {
                var reader = new HeadBuilder(TableHead.None);
                ActionReader.Read(winner.Span, log.Where(version), reader);
                return reader.TxnId == txnId ? CommitOutcome.Won : CommitOutcome.Lost;
            }

            // Nothing there after a failure: a put that is still under way may land yet, so the same content is put again; whichever
            // of the two arrives first carries this commit's id.
            if (failure is null) throw new DeltaException($"The store refused {path} as present and then had no such object; it does not keep its contract.");
            if (ct.IsCancellationRequested) break;
        }

        failure!.Throw();
        return CommitOutcome.Lost;
    }
}
