namespace Tidemark.LocalHost.Demo;

/// <summary>Records on their way: handed out by arrival time, those of the same millisecond in the order they were sent.</summary>
internal sealed class DelayedDeliveries
{
    private readonly PriorityQueue<DemoEvent, (long ArrivalMs, long Number)> _queue = new();
    private long _sent;

    public void Send(DemoEvent item) => _queue.Enqueue(item, (item.TimestampMs, _sent++));

    /// <summary>The next record that arrives at or before this time.</summary>
    public bool TryReceive(long untilMs, out DemoEvent item)
    {
        if (_queue.TryPeek(out item, out var due) && due.ArrivalMs <= untilMs)
        {
            _queue.Dequeue();
            return true;
        }
        item = default;
        return false;
    }
}
