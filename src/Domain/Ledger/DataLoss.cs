namespace Tidemark.Domain.Ledger;

/// <summary>What happens where Kafka has lost records before they were read.</summary>
public enum OnDataLoss
{
    /// <summary>Reading goes on behind them; the offsets are recorded and alerted.</summary>
    Continue,

    /// <summary>The partition stands before them until the loss is accepted, as with Spark's failOnDataLoss.</summary>
    Stop,
}

/// <summary>
/// Offsets [<paramref name="From"/>, <paramref name="To"/>) that Kafka does not have any more, before which a partition stands: from the head's <c>Next</c> on
/// where retention removed them, up to it where the log ended below what was read.
/// </summary>
public sealed record Loss(long From, long To);

/// <summary>Marks losses on the head of their partition, and stands before them. The mark moves the head's ETag, so what is under way does not commit past it.</summary>
internal sealed class LossGuard(ILedger ledger, OnDataLoss policy, IAlerts? alerts, ProtocolRule off)
{
    /// <summary>Whether the partition stands.</summary>
    public bool Stops(Head head) => policy == OnDataLoss.Stop && head.Loss is not null;

    /// <summary>Offsets below this may be lost without the partition standing.</summary>
    public long AcceptedTo(Head head) => policy == OnDataLoss.Continue || off.HasFlag(ProtocolRule.StopAtLoss) ? long.MaxValue : head.LossAcceptedTo ?? 0;

    /// <summary>The head with the loss on it, unless it is accepted, or was passed meanwhile. A log that was cut is so wherever the head has got to.</summary>
    public async Task<VersionedHead> MarkAsync(int partition, Loss loss, bool isCut, CancellationToken cancel)
    {
        while (true)
        {
            var head = await ledger.ReadHeadAsync(partition, cancel)
                ?? throw new InvalidOperationException($"The head of partition {partition} is gone; the ledger table was changed by hand.");
            var now = isCut ? loss with { To = head.Value.Next } : loss;
            if (head.Value.Loss == now || now.To <= AcceptedTo(head.Value) || (!isCut && head.Value.Next != now.From))
                return head;
            var marked = head.Value with { Loss = now };
            if (await ledger.TryReplaceHeadAsync(partition, marked, head.ETag, cancel) is { } etag)
                return new VersionedHead(marked, etag);
        }
    }

    /// <summary>Says that a partition stands, and how it goes on.</summary>
    public Task SayAsync(int partition, Head head, CancellationToken cancel)
    {
        if (alerts is null || head.Loss is not { } loss)
            return Task.CompletedTask;
        var what = loss.From < head.Next
            ? $"ended at offset {loss.From} although it had been read up to {head.Next}: the topic was made again or its log was cut. If it was made again, raise TopicGeneration; if not"
            : $"stands at offset {head.Next}: offsets {loss.From} to {loss.To - 1} were gone from Kafka before they could be read, {loss.To - loss.From} records at most. To go on without them";
        return alerts.RaiseAsync("stopped-at-loss", $"partition {partition}",
            $"Partition {partition} {what}, accept the loss with ./run losses accept, or set OnDataLoss to continue. Until then nothing more of it is processed and event time waits.", cancel);
    }

    /// <summary>Accepts the loss that a partition stands before, so that it goes on behind it. Null: it stands before none.</summary>
    public static async Task<Loss?> AcceptAsync(ILedger ledger, int partition, CancellationToken cancel)
    {
        Loss? accepted = null;
        while (await ledger.ReadHeadAsync(partition, cancel) is { } head)
        {
            // The answer of the last call may have been lost, and its effect not.
            if (head.Value.Loss is not { } loss)
                return head.Value.LossAcceptedTo == accepted?.To ? accepted : null;
            accepted = loss;
            if (await ledger.TryReplaceHeadAsync(partition, head.Value with { Loss = null, LossAcceptedTo = loss.To }, head.ETag, cancel) is not null)
                return loss;
        }

        return null;
    }
}

/// <summary>Losses as people see them.</summary>
public static class Losses
{
    /// <summary>By partition the loss that it stands before.</summary>
    public static async Task<IReadOnlyDictionary<int, Loss>> ReadAsync(ILedger ledger, CancellationToken cancel)
    {
        var losses = new SortedDictionary<int, Loss>();
        foreach (var partition in (await ledger.ReadMetaAsync(cancel))?.Value.Starts.Keys.Order() ?? Enumerable.Empty<int>())
            if (await ledger.ReadHeadAsync(partition, cancel) is { Value.Loss: { } loss })
                losses[partition] = loss;
        return losses;
    }

    /// <summary>Accepts the loss that a partition stands before, so that it goes on behind it. Null: it stands before none.</summary>
    public static Task<Loss?> AcceptAsync(ILedger ledger, int partition, CancellationToken cancel) => LossGuard.AcceptAsync(ledger, partition, cancel);
}
