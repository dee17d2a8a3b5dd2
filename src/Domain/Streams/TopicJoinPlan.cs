using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Streams;

/// <summary>A join of two topics bound to the schemas of its sides: two streams that follow the same commits, one for the rows and one for those that came too late.</summary>
internal sealed class TopicJoinPlan
{
    private const string Time = "event_time";

    /// <summary>Columns of late rows that are copied from their side.</summary>
    private static readonly string[] Copied = ["event_id", "event_type", Time, "user_id", "kafka_topic", "kafka_partition", "kafka_offset"];

    private readonly StreamDefinition _definition;
    private readonly ulong _fingerprint;

    public TopicJoinPlan(TopicJoin join)
    {
        Join = join;
        Sides = [Bind(join, join.Left), Bind(join, join.Right)];
        _definition = new StreamDefinition([.. Sides.Select(s => new StreamInput(s.View.Name, s.Schema, Time, join.Delay))], join.Stages, StreamMode.Append);
        var output = new StreamExecution(_definition).Output;
        foreach (var name in join.Keys.Concat(join.TimeColumn is { } time ? [time] : []).Where(name => output.Fields.All(f => f.Name != name)))
            throw new StreamException(join.Name, $"its rows have no column '{name}' to be named by; they have {string.Join(", ", output.Fields.Select(f => f.Name))}");
        var horizonMs = (join.Delay + join.Horizon).Ticks / TimeSpan.TicksPerMillisecond + 1;
        var joined = new JoinedTables(new FollowedTable(join.Left.Id, join.Left.Table.Name), new FollowedTable(join.Right.Id, join.Right.Table.Name));
        Rows = new StreamSpec(join.Name, join.Left.Table.Name, [], output, join.Keys, join.TimeColumn, join.Results, horizonMs)
        {
            Joined = joined, SideColumns = [.. Sides.Select(s => Read(s.View, s.Schema.Fields.Select(f => f.Name)))],
        };
        LateSchema = new RowSchema(
        [
            new("side", FieldType.String, false), new("watermark", FieldType.Timestamp, false), new("lag_ms", FieldType.Int64, false),
            .. Copied.Select(name => join.Left.Table.Schema.Fields[join.Left.Table.Schema.IndexOf(name)]),
        ]);
        Late = new StreamSpec(join.Name + "_late", join.Left.Table.Name, [], LateSchema, ["kafka_topic", "kafka_partition", "kafka_offset"], Time, StreamResults.None, horizonMs)
        {
            Joined = joined, SideColumns = [.. Sides.Select(s => Read(s.View, Copied))],
        };
        var text = string.Concat(
        [
            $"join {join.Name}, delay {join.Delay:c}\n",
            .. Sides.Select(s => $"{s.View.Name} where {s.View.Where}: {string.Join(", ", s.Schema.Fields.Select(f => $"{f.Name} {f.Type}"))}\n"),
            .. join.Stages.Select(stage => $"{stage.Id} = {StreamText.Describe(stage)}\n"),
        ]);
        _fingerprint = Hash64.Of(Encoding.UTF8.GetBytes(text));
    }

    public TopicJoin Join { get; }

    public IReadOnlyList<(StreamView View, RowSchema Schema)> Sides { get; }

    public StreamSpec Rows { get; }

    public StreamSpec Late { get; }

    public RowSchema LateSchema { get; }

    public long DelayMs => Join.Delay.Ticks / TimeSpan.TicksPerMillisecond;

    public IStreamState OpenRows(ReadOnlySpan<byte> saved) => new JoinedRows(this, _definition, _fingerprint, saved);

    public IStreamState OpenLate(ReadOnlySpan<byte> saved) => new JoinedLate(this, _fingerprint, saved);

    /// <summary>Rows of a side that the join takes.</summary>
    public RowBatch Seen(int side, RowBatch rows)
    {
        var (view, _) = Sides[side];
        var mask = new byte[rows.Count];
        RowMask.Fill(view.Where, rows, mask);
        return RowBatches.Where(rows, row => mask[row] != 0);
    }

    /// <summary>Copies what a late row has of its side.</summary>
    public static IEnumerable<string> CopiedColumns => Copied;

    /// <summary>What must be read for these columns of the rows that a side takes.</summary>
    private static IReadOnlyList<string> Read(StreamView view, IEnumerable<string> columns) => [.. Filter.Fields(view.Where).Concat(columns).Distinct()];

    private static (StreamView View, RowSchema Schema) Bind(TopicJoin join, TopicSide side)
    {
        foreach (var name in side.View.Columns.Append(Time).Concat(Copied).Where(name => side.Table.Schema.Fields.All(f => f.Name != name)))
            throw new StreamException(join.Name, $"its source {side.Table.Name} has no column '{name}'; it has {string.Join(", ", side.Table.Schema.Fields.Select(f => f.Name))}");
        return (side.View, new RowSchema([.. side.Table.Schema.Fields.Where(f => f.Name == Time || side.View.Columns.Contains(f.Name))]));
    }
}
