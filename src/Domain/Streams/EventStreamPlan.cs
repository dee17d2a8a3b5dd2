using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Streams;

/// <summary>A stream bound to the schema of its source: checked, with the spec that the protocol sees, ready to open.</summary>
internal sealed class EventStreamPlan
{
    /// <summary>Event time of rows of a gold table: the last microsecond of their window.</summary>
    public const string WindowTime = "window_time";

    private const string WindowEnd = "window_end";
    private const long LongestMs = long.MaxValue / 4000;
    private readonly RowSchema _schema;
    private readonly StreamDefinition _definition;

    /// <param name="stream">The stream.</param>
    /// <param name="source">Columns of its source.</param>
    public EventStreamPlan(EventStream stream, RowSchema source)
    {
        Stream = stream;
        FollowsWindows = stream.EventTime == WindowTime;
        _schema = FollowsWindows ? new RowSchema([.. source.Fields, new RowField(WindowTime, FieldType.Timestamp, false)]) : source;
        Check(stream, _schema);
        Views = [.. stream.Views.Select(view => (view, new RowSchema([.. _schema.Fields.Where(f => f.Name == stream.EventTime || view.Columns.Contains(f.Name))])))];
        _definition = new StreamDefinition(
            [.. Views.Select(v => new StreamInput(v.View.Name, v.Schema, stream.EventTime, stream.Delay))], stream.Stages, StreamMode.Append);
        var output = new StreamExecution(_definition).Output;
        foreach (var name in stream.Keys.Concat(new[] { stream.TimeColumn, stream.AgeColumn }.OfType<string>()).Where(name => output.Fields.All(f => f.Name != name)))
            throw new StreamException(stream.Name, $"its rows have no column '{name}' to be named by; they have {string.Join(", ", output.Fields.Select(f => f.Name))}");
        if (stream.IndexBy is { } by && (stream.Results != StreamResults.Rows || stream.TimeColumn is null || output.Fields.All(f => f.Name != by || f.Type != FieldType.String)))
            throw new StreamException(stream.Name, $"rows are to be found by '{by}'; that takes rows under keys of their own with a time, and a text column of that name");
        var read = Views.SelectMany(v => v.Schema.Fields.Select(f => f.Name)).Concat(stream.Views.SelectMany(v => Filter.Fields(v.Where))).Distinct();
        Spec = new StreamSpec(
            stream.Name, stream.Source, [.. read.Select(name => name == WindowTime && FollowsWindows ? WindowEnd : name).Distinct()], output, stream.Keys, stream.TimeColumn,
            stream.Results, Ms(stream.Delay) + Ms(stream.Horizon) + 1)
        {
            IndexBy = stream.IndexBy,
            AgeColumn = stream.AgeColumn ?? stream.TimeColumn,
        };
        Fingerprint = Hash64.Of(Encoding.UTF8.GetBytes(StreamText.Describe(stream, Spec)));
    }

    public EventStream Stream { get; }

    /// <summary>Hash of the definition and of its result columns.</summary>
    public ulong Fingerprint { get; }

    public StreamSpec Spec { get; }

    /// <summary>Whether its rows are results of windows.</summary>
    public bool FollowsWindows { get; }

    public IReadOnlyList<(StreamView View, RowSchema Schema)> Views { get; }

    /// <summary>Watermark at a frontier, ms.</summary>
    public long WatermarkMs(long frontierMs) => frontierMs - Ms(Stream.Delay);

    public IStreamState Open(ReadOnlySpan<byte> saved) => new EventStreamState(this, _definition, Fingerprint, saved);

    /// <summary>Rows of the source with the event time that stages see.</summary>
    public RowBatch WithTime(RowBatch rows)
    {
        if (!FollowsWindows)
            return rows;
        var ends = (Int64Column)rows[WindowEnd];
        return new RowBatch(
            new RowSchema([.. rows.Schema.Fields, _schema.Fields[^1]]),
            [.. rows.Columns, new Int64Column([.. ends.Values.AsSpan(0, rows.Count).ToArray().Select(end => end - 1)], rows.Count)],
            rows.Count);
    }

    /// <summary>Rows of a base table that are late for the stream under this frontier, once each, and by how much (ms).</summary>
    public IEnumerable<(int Row, long LagMs)> Late(RowBatch rows, long frontierMs)
    {
        // The frontier before any event is far below every time that is believed, and must not overflow in microseconds.
        if (Stream.InTimeFor is not { } inTime || rows.Count == 0 || frontierMs < -LongestMs)
            yield break;
        var watermark = WatermarkMs(frontierMs);
        var times = (Int64Column)rows[Stream.EventTime];
        var masks = new byte[Views.Count][];
        for (var row = 0; row < rows.Count; row++)
        {
            var lag = watermark * 1000 - (times.Values[row] + inTime.Ticks / TimeSpan.TicksPerMicrosecond);
            if (lag < 0 || times.IsNull(row))
                continue;
            for (var i = 0; i < masks.Length; i++)
            {
                if (masks[i] is null)
                    RowMask.Fill(Views[i].View.Where, rows, masks[i] = new byte[rows.Count]);
                if (masks[i][row] == 0)
                    continue;
                yield return (row, lag / 1000);
                break;
            }
        }
    }

    private static void Check(EventStream stream, RowSchema schema)
    {
        if (stream.Delay < TimeSpan.Zero)
            throw new StreamException(stream.Name, $"its delay {stream.Delay} is negative; give zero or more");
        if (stream.Views.Count == 0)
            throw new StreamException(stream.Name, "it has no view of its source; add one");
        foreach (var name in stream.Views.SelectMany(v => v.Columns.Concat(Filter.Fields(v.Where))).Append(stream.EventTime))
            if (schema.Fields.All(f => f.Name != name))
                throw new StreamException(stream.Name, $"its source {stream.Source} has no column '{name}'; it has {string.Join(", ", schema.Fields.Select(f => f.Name))}");
        foreach (var stage in stream.Stages.OfType<KeyedStateStage>().Where(s => s.Timeout == KeyedState.StateTimeout.ProcessingTime))
            throw new StreamException(stage.Id, "a timeout by wall time would give another result whenever ranges are folded again; use a timeout by event time");
    }

    private static long Ms(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMillisecond;
}
