using System.Threading.Channels;
using Azure.Core.Serialization;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.Logging;

namespace Tidemark.LocalHost.Entities;

/// <summary>
/// Delivers signals: operations of one entity one at a time, different entities in parallel up to a limit. A batch's state, the signals that it
/// consumed and those that it sent are committed together; before that nobody sees any of it, so a crash repeats the whole batch.
/// Client signals are delivered at least once, in any order.
/// </summary>
internal sealed class EntityScheduler : IAsyncDisposable
{
    private readonly EntityStore store;
    private readonly EntityJournal journal;
    private readonly EntityBatchRunner runner;
    private readonly int maxBatch;
    private readonly SignalDisorder? disorder;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ObjectSerializer serializer;
    private readonly Dictionary<string, Mailbox> mailboxes = [];
    private readonly Channel<Mailbox> ready = Channel.CreateUnbounded<Mailbox>();
    private readonly CancellationTokenSource stop = new();
    private readonly Task[] workers;
    private long sequence;

    public EntityScheduler(
        EntityStore store, EntityBatchRunner runner, ObjectSerializer serializer, int maxConcurrent, int maxBatch, SignalDisorder? disorder, TimeProvider time, ILogger logger)
    {
        this.store = store;
        this.runner = runner;
        this.serializer = serializer;
        this.maxBatch = maxBatch;
        this.disorder = disorder;
        this.time = time;
        this.logger = logger;
        journal = new EntityJournal(store);
        var inbox = store.ReadInbox();
        sequence = inbox.Count == 0 ? 0 : inbox[^1].Sequence;
        workers = [.. Enumerable.Range(0, maxConcurrent).Select(_ => Task.Run(WorkAsync))];
        inbox.ForEach(Deliver);
    }

    /// <summary>Stores a signal; it is delivered afterwards, also after a crash.</summary>
    /// <exception cref="EntityLimitException">The input is too large.</exception>
    public async Task SignalAsync(EntityInstanceId id, string operation, object? input, DateTimeOffset? due, CancellationToken cancel)
    {
        var json = input is null ? null : Json.Write(serializer, input);
        EntityLimits.Check(json, $"The signal {operation} to {id}");
        var signals = Stamp([new OutgoingSignal(id, operation, json, due)]);
        await journal.CommitAsync(new EntityChange { Accepted = signals }, cancel);
        signals.ForEach(Deliver);
    }

    /// <summary>Forgets entities without state; returns how many there were.</summary>
    public async Task<int> RemoveEmptyAsync(CancellationToken cancel)
    {
        var removed = 0;
        var after = "";
        while (store.Read("@", after, 500) is { Count: > 0 } page)
        {
            after = page[^1].Id;
            foreach (var row in page.Where(r => r.State is null))
            {
                await journal.CommitAsync(new EntityChange { Removed = row.Id }, cancel);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>Finishes the running batches and writes them; signals that wait are delivered after the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        ready.Writer.TryComplete();
        await Task.WhenAll(workers);
        await journal.DisposeAsync();
        stop.Dispose();
    }

    private List<Signal> Stamp(IReadOnlyList<OutgoingSignal> outgoing)
    {
        List<Signal> signals = [];
        foreach (var signal in outgoing)
        {
            foreach (var delay in disorder?.Copies() ?? [0])
            {
                var due = signal.Due?.ToUnixTimeMilliseconds() ?? 0;
                if (delay > 0)
                    due = Math.Max(due, Now()) + delay;
                signals.Add(new Signal(Interlocked.Increment(ref sequence), signal.Target.ToString(), signal.Operation, signal.Input, due));
            }
        }

        return signals;
    }

    private void Deliver(Signal signal)
    {
        if (signal.DueMs > Now())
        {
            _ = DeliverWhenDueAsync(signal);
            return;
        }

        lock (mailboxes)
        {
            if (!mailboxes.TryGetValue(signal.Entity, out var mailbox))
                mailboxes[signal.Entity] = mailbox = new Mailbox(signal.Entity);
            mailbox.Waiting.Enqueue(signal);
            if (mailbox.IsScheduled)
                return;
            mailbox.IsScheduled = true;
            ready.Writer.TryWrite(mailbox);
        }
    }

    private async Task DeliverWhenDueAsync(Signal signal)
    {
        try
        {
            // A timer cannot run for more than 49 days; a later due time is looked at again.
            var wait = Math.Min(signal.DueMs - Now(), (long)TimeSpan.FromDays(30).TotalMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, wait)), time, stop.Token);
            Deliver(signal);
        }
        catch (OperationCanceledException)
        {
            // The host stops; the signal is in the inbox.
        }
    }

    private async Task WorkAsync()
    {
        await foreach (var mailbox in ready.Reader.ReadAllAsync())
        {
            if (stop.IsCancellationRequested)
                return;
            var batch = Take(mailbox);
            try
            {
                await RunAsync(mailbox.Entity, batch);
            }
            catch (Exception e)
            {
                // The store refused the batch: nothing of it happened, so it is put back and tried again after a while.
                logger.LogError(e, "Entity {Entity}: {Count} operations could not be committed and are run again: {Message}", mailbox.Entity, batch.Length, e.Message);
                lock (mailboxes)
                    mailbox.PutBack(batch);
                await Task.Delay(TimeSpan.FromSeconds(1), time, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }

            Release(mailbox);
        }
    }

    private Signal[] Take(Mailbox mailbox)
    {
        lock (mailboxes)
        {
            var batch = new Signal[Math.Min(maxBatch, mailbox.Waiting.Count)];
            for (var i = 0; i < batch.Length; i++)
                batch[i] = mailbox.Waiting.Dequeue();
            disorder?.Shuffle<Signal>(batch);
            return batch;
        }
    }

    private void Release(Mailbox mailbox)
    {
        lock (mailboxes)
        {
            if (mailbox.Waiting.Count > 0)
            {
                ready.Writer.TryWrite(mailbox);
                return;
            }

            mailbox.IsScheduled = false;
            mailboxes.Remove(mailbox.Entity);
        }
    }

    private async Task RunAsync(string entity, Signal[] batch)
    {
        var before = store.Read(entity);
        var outcome = await runner.RunAsync(EntityInstanceId.FromString(entity), before?.State, batch);
        var sent = Stamp(outcome.Sent);
        var change = new EntityChange
        {
            Accepted = sent,
            Consumed = [.. batch.Select(s => s.Sequence)],
            State = before is null && outcome.State is null ? null : new EntityRow(entity, outcome.State, Now()),
        };
        await journal.CommitAsync(change, CancellationToken.None);
        sent.ForEach(Deliver);
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class Mailbox(string entity)
    {
        public string Entity { get; } = entity;

        public Queue<Signal> Waiting { get; private set; } = new();

        public bool IsScheduled { get; set; }

        public void PutBack(Signal[] batch) => Waiting = new Queue<Signal>(batch.Concat(Waiting));
    }
}
