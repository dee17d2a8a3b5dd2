using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Streams;

/// <summary>Some rows of a stream's source, by the name that stages read them by.</summary>
/// <param name="Name">Name, unique among views and stages.</param>
/// <param name="Where">Only rows that pass.</param>
/// <param name="Columns">Columns that the stages see; the event time is always among them.</param>
public sealed record StreamView(string Name, Filter Where, IReadOnlyList<string> Columns);

/// <summary>
/// A stream of a pipeline as data: views of one table, stages over them, and the rows of the last stage in <c>gold/{Name}</c>. Over a base table it runs for
/// each partition by itself, so whatever belongs together must have the same key in Kafka. Over a gold table it follows the rows of that table as
/// they become final; there the event time is <c>window_time</c>, the last microsecond of the window.
/// </summary>
/// <param name="Name">snake_case.</param>
/// <param name="Source">The table it reads.</param>
/// <param name="EventTime">Column of the event time in the source.</param>
/// <param name="Delay">How far the watermark stays behind the frontier (behind a gold table: behind the watermark of its query).</param>
/// <param name="Views">Views of the source.</param>
/// <param name="Stages">Stages, the result last.</param>
public sealed record EventStream(
    string Name, string Source, string EventTime, TimeSpan Delay, IReadOnlyList<StreamView> Views, IReadOnlyList<Stage> Stages)
{
    /// <summary>Columns that, with <see cref="TimeColumn"/>, name a row.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>Time of a row; null = rows are named by their keys alone.</summary>
    public string? TimeColumn { get; init; }

    /// <summary>What Table storage holds of it.</summary>
    public StreamResults Results { get; init; } = StreamResults.Rows;

    /// <summary>Column by which rows in Table storage grow old and leave it; null = <see cref="TimeColumn"/>, and without that they stay.</summary>
    public string? AgeColumn { get; init; }

    /// <summary>
    /// Column that rows are also found by in Table storage, in a table of its own; null = none. Not part of what the stream computes, so it may be set later:
    /// what was written before is not found by it.
    /// </summary>
    public string? IndexBy { get; init; }

    /// <summary>
    /// How long after its event time a row is still in time, beyond the delay: the gap of sessions. Null = no row is late, since nothing waits for the
    /// watermark.
    /// </summary>
    public TimeSpan? InTimeFor { get; init; }

    /// <summary>How far beyond a row's time the watermark must be for everything that follows from it to be out: gaps, bounds and timeouts together.</summary>
    public TimeSpan Horizon { get; init; }

    /// <summary>What it does, in a sentence.</summary>
    public string Summary { get; init; } = "";
}
