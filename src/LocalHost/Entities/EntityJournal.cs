using System.Threading.Channels;

namespace Tidemark.LocalHost.Entities;

/// <summary>Group commit: callers hand in changes and wait; one loop writes whatever has gathered as one transaction.</summary>
internal sealed class EntityJournal : IAsyncDisposable
{
    private const int MaxGroup = 256;

    private readonly EntityStore store;
    private readonly Channel<Entry> waiting = Channel.CreateBounded<Entry>(new BoundedChannelOptions(4 * MaxGroup) { SingleReader = true });
    private readonly Task writing;

    public EntityJournal(EntityStore store)
    {
        this.store = store;
        writing = Task.Factory.StartNew(WriteAsync, TaskCreationOptions.LongRunning).Unwrap();
    }

    /// <summary>Returns when the change is durable; throws what the transaction threw, and nothing of it is stored then.</summary>
    public async Task CommitAsync(EntityChange change, CancellationToken cancel)
    {
        var entry = new Entry(change, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await waiting.Writer.WriteAsync(entry, cancel);
        await entry.Done.Task;
    }

    /// <summary>Writes what was handed in and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await writing;
    }

    private async Task WriteAsync()
    {
        List<Entry> group = [];
        while (await waiting.Reader.WaitToReadAsync())
        {
            group.Clear();
            while (group.Count < MaxGroup && waiting.Reader.TryRead(out var entry))
                group.Add(entry);
            try
            {
                store.Write([.. group.Select(e => e.Change)]);
                group.ForEach(e => e.Done.SetResult());
            }
            catch (Exception e)
            {
                group.ForEach(entry => entry.Done.SetException(e));
            }
        }
    }

    private readonly record struct Entry(EntityChange Change, TaskCompletionSource Done);
}
