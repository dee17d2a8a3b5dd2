using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Explaining;

/// <summary>An event of a window, and what became of it.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="TimeMs">Its time, ms.</param>
/// <param name="Id">Its id; null = records of its topic have none.</param>
/// <param name="Fate">What became of it.</param>
public sealed record EventOfWindow(int Partition, long Offset, long TimeMs, string? Id, EventFate Fate);

/// <summary>What became of an event that belongs to a window and a group.</summary>
public enum EventFate
{
    /// <summary>It is in the row.</summary>
    Counted,

    /// <summary>It came late and was merged when the window was reopened.</summary>
    Merged,

    /// <summary>It came after the window had closed and is left out.</summary>
    Late,

    /// <summary>An event of its id came before: it is left out.</summary>
    Duplicate,
}

/// <summary>Where a number comes from.</summary>
/// <param name="Query">The query.</param>
/// <param name="StartMs">Start of the window, ms.</param>
/// <param name="EndMs">End of the window, ms.</param>
/// <param name="IsClosed">Whether its final rows are in Delta and Table storage.</param>
/// <param name="Row">The row in the gold table, one or none.</param>
/// <param name="Recomputed">The row as its events give it, one or none.</param>
/// <param name="Differences">Columns in which the two differ; empty where they agree.</param>
/// <param name="Events">The events of the window and group, by partition and offset.</param>
public sealed record NumberExplanation(
    string Query, long StartMs, long EndMs, bool IsClosed, RowBatch Row, RowBatch Recomputed, IReadOnlyList<string> Differences, IReadOnlyList<EventOfWindow> Events)
{
    /// <summary>Whether the row is what its events give; of a window that is open there is no row yet.</summary>
    public bool Agrees => Row.Count == Recomputed.Count && Differences.Count == 0;
}

/// <summary>A record of the topic that is or may be the event.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="KafkaTimeMs">When Kafka had it, ms.</param>
/// <param name="Place">Where it is: the table of events, quarantine, or neither.</param>
/// <param name="Reason">Why it is not in the table of events.</param>
public sealed record RecordFate(int Partition, long Offset, long KafkaTimeMs, string Place, string? Reason);

/// <summary>A window that an event belongs to.</summary>
/// <param name="Query">The query.</param>
/// <param name="StartMs">Start of the window, ms.</param>
/// <param name="EndMs">End of the window, ms.</param>
/// <param name="Group">Group key by column, null for null.</param>
/// <param name="IsClosed">Whether its final rows are in Delta and Table storage.</param>
/// <param name="Fate">What became of the event in it.</param>
/// <param name="Offset">Offset of the record that this is about.</param>
public sealed record WindowOfEvent(string Query, long StartMs, long EndMs, IReadOnlyDictionary<string, string?> Group, bool IsClosed, EventFate Fate, long Offset);

/// <summary>Everything that an event touched.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Records">Records of the topic that carry it.</param>
/// <param name="Rows">Its rows in the table of events.</param>
/// <param name="Windows">Windows that it belongs to.</param>
/// <param name="NotTaken">Queries whose condition it does not meet.</param>
/// <param name="LateForStreams">Streams that it came too late for.</param>
/// <param name="Named">Rows of streams that name it.</param>
public sealed record EventExplanation(
    string Id, IReadOnlyList<RecordFate> Records, RowBatch Rows, IReadOnlyList<WindowOfEvent> Windows, IReadOnlyList<string> NotTaken, IReadOnlyList<string> LateForStreams,
    IReadOnlyList<NamedRow> Named);
