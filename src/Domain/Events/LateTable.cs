using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Windows;

namespace Tidemark.Domain.Events;

/// <summary>Collects the rows of <c>silver/late</c> of one batch.</summary>
internal sealed class LateTable(TableSpec table, long frontierMs)
{
    private const long LastMs = EventTime.End / 1000 - 1;
    private readonly string[] copied = [.. table.Schema.Fields.Skip(OwnColumns).Select(f => f.Name)];
    private readonly ColumnBuilder[] builders = [.. table.Schema.Fields.Select(f => ColumnBuilder.For(f, f.Name is "query" or "event_type" or "kafka_topic"))];

    /// <summary>Columns of its own; those behind them are copied from silver.</summary>
    public const int OwnColumns = 7;

    /// <summary>Adds the late rows of a query among these events.</summary>
    public void Add(RowBatch events, QueryPlan plan, LateRows late)
    {
        var sources = Array.ConvertAll(copied, name => events[name]);
        var query = Encoding.UTF8.GetBytes(plan.Name);
        var watermark = plan.Watermark(frontierMs);
        foreach (var (row, windows) in late.Rows)
        {
            ((DictionaryColumnBuilder)builders[0]).Append(query);
            Int64(1, (windows.LastMissedEnd - plan.Grid.Size) * 1000);
            Int64(2, windows.LastMissedEnd * 1000);
            ((Int32ColumnBuilder)builders[3]).Append(windows.Missed);
            ((Int32ColumnBuilder)builders[4]).Append(windows.Counted);
            Int64(5, Math.Min(frontierMs, LastMs) * 1000);
            Int64(6, watermark - windows.LastMissedEnd);
            for (var i = 0; i < sources.Length; i++)
                builders[OwnColumns + i].AppendFrom(sources[i], row);
        }
    }

    /// <summary>Adds rows that are late for a stream: the window is the time that each would have been in time for.</summary>
    public void Add(RowBatch events, EventStreamPlan stream, IEnumerable<(int Row, long LagMs)> late)
    {
        var sources = Array.ConvertAll(copied, name => events[name]);
        var query = Encoding.UTF8.GetBytes(stream.Stream.Name);
        var inTime = stream.Stream.InTimeFor!.Value.Ticks / TimeSpan.TicksPerMicrosecond;
        foreach (var (row, lag) in late)
        {
            var time = ((Int64Column)events["event_time"]).Values[row];
            ((DictionaryColumnBuilder)builders[0]).Append(query);
            Int64(1, time);
            Int64(2, time + inTime);
            ((Int32ColumnBuilder)builders[3]).Append(1);
            ((Int32ColumnBuilder)builders[4]).Append(0);
            Int64(5, Math.Min(frontierMs, LastMs) * 1000);
            Int64(6, lag);
            for (var i = 0; i < sources.Length; i++)
                builders[OwnColumns + i].AppendFrom(sources[i], row);
        }
    }

    /// <summary>The rows collected.</summary>
    public RowBatch Build() => new(table.Schema, [.. builders.Select(b => b.Build())], builders[0].Count);

    private void Int64(int column, long value) => ((Int64ColumnBuilder)builders[column]).Append(value);
}
