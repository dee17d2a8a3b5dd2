using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Streams;

/// <summary>When rows come out.</summary>
public enum StreamMode
{
    /// <summary>Once, when they are final.</summary>
    Append,

    /// <summary>Each group that changed, with its new value.</summary>
    Update,

    /// <summary>The whole result table; nothing is late and nothing is forgotten.</summary>
    Complete,
}

/// <summary>How several inputs make one watermark.</summary>
public enum WatermarkPolicy
{
    /// <summary>The slowest input decides: nothing is dropped because another is ahead.</summary>
    Min,

    /// <summary>The fastest input decides.</summary>
    Max,
}

/// <summary>A source of rows.</summary>
/// <param name="Name">Name that stages read it by.</param>
/// <param name="Schema">Its columns.</param>
/// <param name="EventTime">Column of the event time, of type timestamp; null when it has none.</param>
/// <param name="Delay">Watermark delay; null = no watermark.</param>
public sealed record StreamInput(string Name, RowSchema Schema, string? EventTime = null, TimeSpan? Delay = null);

/// <summary>A graph of stages as data; the last stage is the result. Stages only read inputs and stages before them.</summary>
public sealed record StreamDefinition(IReadOnlyList<StreamInput> Inputs, IReadOnlyList<Stage> Stages, StreamMode Mode)
{
    /// <summary>Tables for lookups, by name.</summary>
    public IReadOnlyDictionary<string, RowBatch> Tables { get; init; } = new Dictionary<string, RowBatch>();

    /// <summary>How several inputs make one watermark.</summary>
    public WatermarkPolicy Policy { get; init; } = WatermarkPolicy.Min;

    /// <summary>Watermark before any row, µs; null = nothing is late yet. Spark starts at 0, which is 1970.</summary>
    public long? Start { get; init; }

    /// <summary>The input is bounded: everything closes at its end and nothing before it, so nothing is late, and modes do not matter.</summary>
    public bool Bounded { get; init; }
}

/// <summary>A stream that cannot be run as it is written; the message names stage, field and remedy.</summary>
public sealed class StreamException(string stage, string fault) : ArgumentException($"Stage '{stage}' cannot be run: {fault}.");
