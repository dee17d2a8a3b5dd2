using Tidemark.LocalHost.Kafka;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// Keeps who sends to the emulator no more than 3 MB ahead of the group that reads: it drops what is more than 5 MB per partition, read or not.
/// </summary>
internal sealed class ReaderPace : IAsyncDisposable
{
    private const long Window = 3L << 20;
    private const long Unwatched = 512 << 10;
    private const int WaitsUntilTold = 500;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private readonly KafkaConnection connection;
    private readonly string topic;
    private readonly int partitions;
    private readonly bool isRead;
    private readonly CommittedOffsets committed;
    private readonly TimeProvider time;
    private readonly TextWriter messages;
    private long ahead;

    /// <param name="connection">The emulator.</param>
    /// <param name="topic">Topic.</param>
    /// <param name="group">The group that reads it.</param>
    /// <param name="partitions">Partitions of the topic.</param>
    /// <param name="isRead">Whether a run is on that reads; without one there is room for half a megabyte, since what lies there unread is not known.</param>
    /// <param name="time">Clock.</param>
    /// <param name="messages">Where it is told that reading takes long.</param>
    public ReaderPace(KafkaConnection connection, string topic, string group, int partitions, bool isRead, TimeProvider time, TextWriter messages)
    {
        (this.connection, this.topic, this.partitions, this.isRead, this.time, this.messages) = (connection, topic, partitions, isRead, time, messages);
        committed = new CommittedOffsets(connection, topic, group, partitions, time);
        ahead = isRead ? Window : Window - Unwatched;
    }

    /// <summary>Waits until there is room for so many bytes more; false when there is none and nobody reads.</summary>
    /// <param name="bytes">Size of the next record.</param>
    /// <param name="flush">Makes sure that what was sent is in the topic.</param>
    /// <param name="cancel">Ends waiting.</param>
    public async ValueTask<bool> RoomForAsync(int bytes, Action flush, CancellationToken cancel)
    {
        ahead += bytes;
        if (ahead <= Window)
            return true;
        if (!isRead)
            return false;
        flush();
        long[] ends;
        using (var tail = new TopicTail(connection, topic))
            ends = [.. tail.Bounds(partitions).Select(b => b.End)];
        for (var waits = 0; ends.Where((end, p) => committed[p] < end).Any(); waits++)
        {
            if (waits == WaitsUntilTold)
                messages.WriteLine($"Waiting until {topic} is read; the emulator keeps little more than what was sent so far.");
            await Task.Delay(Pause, time, cancel);
        }

        ahead = bytes;
        return true;
    }

    public ValueTask DisposeAsync() => committed.DisposeAsync();
}
