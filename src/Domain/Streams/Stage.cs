using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Streams;

/// <summary>One step of a stream: reads inputs or earlier stages by name. A stage is data; what it does is stated on each kind.</summary>
/// <param name="Id">Name, unique among inputs and stages.</param>
public abstract record Stage(string Id)
{
    /// <summary>What it reads, in order.</summary>
    public abstract IReadOnlyList<string> From { get; }
}

/// <summary>Groups per window. Output: window_start, window_end, keys, aggregates, window_time (end minus one microsecond: the row's event time).</summary>
public sealed record WindowStage(string Id, string Source, string On, WindowDefinition Window, IReadOnlyList<string> Keys, IReadOnlyList<AggregateDefinition> Aggregates) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>
/// Groups per session: a row covers [t, t + gap); sessions of a key that overlap or touch are one. Output: session_start, session_end, keys,
/// aggregates, session_time (end minus one microsecond). The gap is fixed or a column (a span in microseconds, typed as a time); rows whose
/// gap is null, zero or negative are in no session.
/// </summary>
public sealed record SessionStage(string Id, string Source, string On, TimeSpan? Gap, string? GapField, IReadOnlyList<string> Keys, IReadOnlyList<AggregateDefinition> Aggregates) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>Groups without a window. Output: keys, aggregates. With <paramref name="EventTimeKey"/> a group is closed when that key is at or below the watermark.</summary>
public sealed record GroupStage(string Id, string Source, IReadOnlyList<string> Keys, IReadOnlyList<AggregateDefinition> Aggregates, string? EventTimeKey = null) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>One row per window that the row is in: window_start, window_end, window_time, then the row's columns. Stateless.</summary>
public sealed record AssignWindowStage(string Id, string Source, string On, WindowDefinition Window) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>The session that a row alone would be: session_start, session_end, session_time, then the row's columns. Stateless.</summary>
public sealed record AssignSessionStage(string Id, string Source, string On, TimeSpan? Gap, string? GapField) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>
/// The first row of each key. Its state goes when the event time, if it is one of the keys, is at or below the watermark, else never; or, within
/// the watermark, when the first row's time plus the delay is.
/// </summary>
public sealed record DeduplicateStage(string Id, string Source, IReadOnlyList<string> Keys, string? EventTimeKey = null, bool WithinWatermark = false) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>How rows without partner are treated.</summary>
public enum JoinType { Inner, LeftOuter, RightOuter, FullOuter, LeftSemi }

/// <summary>A condition on two columns, one of each side in either order: left op right + plus (microseconds for times, else units of the column).</summary>
public sealed record JoinBound(string Left, Comparison Comparison, string Right, long Plus = 0);

/// <summary>Both rows are in the same tumbling window, by these time columns; <c>window_end</c> when the rows carry windows already.</summary>
public sealed record SameWindow(string Left, string Right, TimeSpan Size);

/// <summary>
/// Rows of two streams that belong together. Output: the columns of both sides; with a common window also window_start and window_end; and key, the
/// join key of whichever side there is. Conditions are ANDed.
/// </summary>
public sealed record JoinStage(string Id, JoinType Type, string Left, string Right) : Stage(Id)
{
    /// <summary>Columns that must be equal; null matches nothing.</summary>
    public IReadOnlyList<(string Left, string Right)> Equal { get; init; } = [];

    /// <summary>Columns that must be equal; null matches null.</summary>
    public IReadOnlyList<(string Left, string Right)> NullSafeEqual { get; init; } = [];

    /// <summary>Common window.</summary>
    public SameWindow? Window { get; init; }

    /// <summary>Conditions between times: they also say when rows can be forgotten.</summary>
    public IReadOnlyList<JoinBound> TimeBounds { get; init; } = [];

    /// <summary>Other conditions between the sides.</summary>
    public IReadOnlyList<JoinBound> Conditions { get; init; } = [];

    /// <summary>A left row that does not pass has no partner.</summary>
    public Filter LeftFilter { get; init; } = Filter.All;

    /// <summary>A right row that does not pass has no partner.</summary>
    public Filter RightFilter { get; init; } = Filter.All;

    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Left, Right];
}

/// <summary>Looks rows up in a table. Stateless. Output: the row's columns, then the table's; left outer keeps rows without a match.</summary>
public sealed record TableJoinStage(string Id, string Source, string Table, JoinType Type, IReadOnlyList<(string Stream, string Table)> Equal, bool StreamIsLeft = true) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>Rows of several streams as they come; columns by position, named as in the first.</summary>
public sealed record UnionStage(string Id, IReadOnlyList<string> Of) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => Of;
}

/// <summary>Sorts the whole result of an aggregation in complete mode.</summary>
public sealed record OrderStage(string Id, string Source, IReadOnlyList<(string Field, bool Descending)> By) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>A user's function with state per key.</summary>
public sealed record KeyedStateStage(string Id, string Source, IReadOnlyList<string> Keys, StateTimeout Timeout, IKeyedFunction Function) : Stage(Id)
{
    /// <summary>
    /// States known before the start: a row of the key's columns, and the state as the function saves it. Each is called once at the first advance, without
    /// rows if there are none by then.
    /// </summary>
    public IReadOnlyList<(RowBatch Key, byte[] State)> Initial { get; init; } = [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>
/// Rows made of rows by a function of the program: computed columns, other names, fewer or more rows. The function must depend on nothing but the rows it
/// is given, and each row's result on that row alone.
/// </summary>
/// <param name="Id">Name, unique among inputs and stages.</param>
/// <param name="Source">What it reads.</param>
/// <param name="Output">Columns that it makes.</param>
/// <param name="EventTime">Column of <paramref name="Output"/> that is the event time for the stages behind; null = none.</param>
/// <param name="Map">The function.</param>
public sealed record MapStage(string Id, string Source, RowSchema Output, string? EventTime, Func<RowBatch, RowBatch> Map) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}

/// <summary>A watermark defined within a stream. There is one watermark a stream, and it belongs to the input: this is always refused.</summary>
public sealed record WatermarkStage(string Id, string Source, string EventTime, TimeSpan Delay) : Stage(Id)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> From => [Source];
}
