using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Streams;

/// <summary>One side of a join of two topics: a table that ingest of a pipeline fills, whose commits say the frontier, and what the join takes of it.</summary>
/// <param name="Id">The pipeline that fills it.</param>
/// <param name="Table">Its name and columns.</param>
/// <param name="View">Rows and columns that the stages read.</param>
public sealed record TopicSide(PipelineId Id, TableSpec Table, StreamView View);

/// <summary>
/// A join of two topics as data: stages over a view of a table of each, the rows of the last stage in <c>gold/{Name}</c>, and those of either side that came too late for it in
/// <c>gold/{Name}_late</c>. There is one watermark: the lesser of the two topics' frontiers, less the delay.
/// </summary>
/// <param name="Name">snake_case.</param>
/// <param name="Left">The left side; where both are equally far it goes first.</param>
/// <param name="Right">The right side.</param>
/// <param name="Delay">How far the watermark stays behind the lesser frontier.</param>
/// <param name="Stages">Stages over the two views, the result last.</param>
public sealed record TopicJoin(string Name, TopicSide Left, TopicSide Right, TimeSpan Delay, IReadOnlyList<Stage> Stages)
{
    /// <summary>Columns that, with <see cref="TimeColumn"/>, name a row.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>Time of a row; null = rows are named by their keys alone.</summary>
    public string? TimeColumn { get; init; }

    /// <summary>What Table storage holds of it.</summary>
    public StreamResults Results { get; init; } = StreamResults.Rows;

    /// <summary>How far beyond a row's time the watermark must be for everything that follows from it to be out.</summary>
    public TimeSpan Horizon { get; init; }

    /// <summary>What it does, in a sentence.</summary>
    public string Summary { get; init; } = "";
}
