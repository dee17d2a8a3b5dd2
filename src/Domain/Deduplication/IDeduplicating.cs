using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Deduplication;

/// <summary>
/// A pipeline whose events have an id that producers may send twice. The protocol judges every event after Decode and before Build, by an index of what
/// the partition has kept before; the index follows from the rows of <see cref="Table"/> alone, so it can be lost at any moment. As
/// <see cref="IPipeline"/>, all of it is pure.
/// </summary>
public interface IDeduplicating
{
    /// <summary>H of <see cref="DeduplicationIndex"/>, ms; null = events are not deduplicated.</summary>
    long? HorizonMs { get; }

    /// <summary>The base table that holds every event which was kept, and none that was not.</summary>
    string Table { get; }

    /// <summary>The columns of <see cref="Table"/> that <see cref="Read(RowBatch, List{SeenEvent})"/> needs.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>Bounds by which files of <see cref="Table"/> are passed over, for events of a partition with offset ≥ from and event time > after.</summary>
    IReadOnlyList<ColumnBounds> Bounds(int partition, long fromOffset, long afterMs);

    /// <summary>Adds the events of rows of <see cref="Table"/> (with at least <see cref="Columns"/>) in their order.</summary>
    void Read(RowBatch rows, List<SeenEvent> into);

    /// <summary>The valid events of a batch in offset order, to be judged.</summary>
    void Read(IDecodedRecords decoded, List<SeenEvent> into);

    /// <summary>
    /// Takes the verdicts, one per event of <see cref="Read(IDecodedRecords, List{SeenEvent})"/>: duplicates are left out of all that Build makes but what
    /// holds every record as it came, events that are too old are late for every query. Replaces verdicts given before.
    /// </summary>
    void Judge(IDecodedRecords decoded, ReadOnlySpan<Verdict> verdicts);
}

/// <summary>Bounds on a column in its own unit (Timestamp: µs, Date: days); null leaves a side open.</summary>
public readonly record struct ColumnBounds(string Column, long? From, long? To);
