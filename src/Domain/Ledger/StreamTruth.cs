using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// A stream that folds its input step by step. A step is a place in the input (offset after a range, or version of a commit) and the time that it was
/// taken at. What steps beyond the one that Delta has let out waits here; what earlier ones let out, computed again, is there already and is dropped.
/// </summary>
internal sealed class StreamTruth(StreamSpec spec, IStreamState state, long at)
{
    private readonly List<RowBatch> _done = [];

    public StreamSpec Spec { get; } = spec;

    public IStreamState State { get; } = state;

    /// <summary>Place up to which the input is folded.</summary>
    public long At { get; private set; } = at;

    /// <summary>Place that Delta has the output of; null = none.</summary>
    public long? DoneAt { get; private set; }

    /// <summary>Time that Delta has the output of, at that place.</summary>
    public long? DoneTime { get; private set; }

    /// <summary>Output that is not in Delta yet, in order.</summary>
    public List<RowBatch> Pending { get; } = [];

    /// <summary>How many batches of <see cref="Pending"/> are in Table storage.</summary>
    public int Published { get; set; }

    /// <summary>Of a join of two topics: whether the side that is to go next had no further commit when it was last looked at.</summary>
    public bool IsThrough { get; set; }

    /// <summary>What Delta has, as read.</summary>
    public void Has(long? doneAt, long? doneTime)
    {
        (DoneAt, DoneTime) = (doneAt, doneTime);
        SkipDone();
    }

    /// <summary>Takes a step of the input: time moves, rows come, time moves.</summary>
    public void Fold(long to, long? beforeMs, RowBatch? rows, long? afterMs = null)
    {
        // The place may be that of a commit which is not of the source and is passed over: nothing came up to there, and the time of the output is before this step.
        if (At < DoneAt && to > DoneAt && DoneTime is { } time)
            State.Advance(time, _done);
        var output = DoneAt is null || to > DoneAt ? Pending : _done;
        if (beforeMs is { } before)
            State.Advance(before, output);
        if (rows is { Count: > 0 })
            State.Add(rows, output);
        if (afterMs is { } after)
            State.Advance(after, output);
        At = to;
        _done.Clear();
        SkipDone();
    }

    /// <summary>A join of two topics begins here.</summary>
    public void Begin(JoinStart start)
    {
        ((JoinedState)State).Begin(start);
        At = ((JoinedState)State).Place;
    }

    /// <summary>Takes the next commit of a side of a join of two topics.</summary>
    public void Fold(int side, CommittedRows commit)
    {
        var joined = (JoinedState)State;
        var output = DoneAt is null || joined.Place + commit.Version - joined.Version(side) > DoneAt ? Pending : _done;
        joined.Take(side, commit, output);
        At = joined.Place;
        _done.Clear();
    }

    /// <summary>Moves time where the input stands still.</summary>
    public void Mark(long frontierMs)
    {
        State.Advance(frontierMs, DoneAt is null || At >= DoneAt ? Pending : _done);
        _done.Clear();
    }

    /// <summary>Everything that waited is in Delta now, by our own commit.</summary>
    public void Committed()
    {
        (DoneAt, DoneTime, Published) = (At, State.FrontierMs, 0);
        Pending.Clear();
    }

    private void SkipDone()
    {
        if (At != DoneAt || DoneTime is not { } time)
            return;
        State.Advance(time, _done);
        _done.Clear();
    }
}

/// <summary>The streams of one partition, and the entity that holds the state of all of them.</summary>
internal sealed class PartitionStreams
{
    /// <summary>Bundle of the entities that hold streams of a partition; no query may have it.</summary>
    public const string Bundle = "streams";

    private const byte Version = 1;

    private readonly IReadOnlyList<StreamTruth> _streams;

    /// <param name="pipeline">The pipeline.</param>
    /// <param name="at">Offset that the saved state stands at.</param>
    /// <param name="saved">State of the entity; empty = none. A stream that is not in it begins here.</param>
    public PartitionStreams(IPipeline pipeline, long at, ReadOnlySpan<byte> saved)
    {
        var states = Sections(saved);
        _streams = [.. pipeline.Streams.Where(s => !s.IsChained)
            .Select(s => new StreamTruth(s, pipeline.OpenStream(s.Name, states.GetValueOrDefault(s.Name, [])), at))];
    }

    public IReadOnlyList<StreamTruth> Streams => _streams;

    /// <summary>Offset up to which ranges are folded.</summary>
    public long At => _streams[0].At;

    /// <summary>Whether output waits for its commit.</summary>
    public bool HasPending => _streams.Any(s => s.Pending.Count > 0);

    public static EntityKey KeyOf(int partition) => new(Bundle, partition);

    /// <summary>States of all streams, by name.</summary>
    public byte[] Save()
    {
        var to = new ByteWriter();
        to.Byte(Version);
        to.Varint((ulong)_streams.Count);
        foreach (var stream in _streams.OrderBy(s => s.Spec.Name, StringComparer.Ordinal))
        {
            to.Text(stream.Spec.Name);
            to.Sized(stream.State.Save());
        }

        return to.ToArray();
    }

    private static Dictionary<string, byte[]> Sections(ReadOnlySpan<byte> saved)
    {
        var states = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        if (saved.IsEmpty)
            return states;
        var reader = new ByteReader(saved);
        if (reader.Byte() is var version and not Version)
            throw reader.Fault($"state of streams has version {version}; this program reads version {Version}");
        for (var left = reader.Count(2); left > 0; left--)
            states[reader.Text()] = reader.Sized().ToArray();
        reader.End();
        return states;
    }
}

/// <summary>The entities of streams: one a partition, and one for each stream that follows a gold table.</summary>
internal static class StreamEntities
{
    /// <summary>In place of a partition in the position of a chained stream's entity, which is a version of the source table.</summary>
    public const int Versions = -1;

    /// <summary>The entity of a chained stream.</summary>
    public static EntityKey Chain(StreamSpec spec) => new("~" + spec.Name, 0);

    /// <summary>Whether the pipeline has no stream any more that the entity is of.</summary>
    public static bool IsLeft(IPipeline pipeline, EntityKey key) =>
        key.Bundle == PartitionStreams.Bundle ? pipeline.Streams.All(s => s.IsChained) : pipeline.Streams.All(s => !s.IsChained || Chain(s) != key);

    public static bool Is(EntityKey key) => key.Bundle == PartitionStreams.Bundle || key.Bundle.StartsWith('~');
}
