using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Sessions;

/// <summary>
/// Session windows: a row covers [t, t + gap); sessions of a key that overlap or touch become one, so a row can join two. A row is late when its own
/// t + gap is at or below the watermark, even if an open session could take it; a session is emitted and forgotten when its end is. State: key,
/// start, end and accumulators of every open session. A batch is placed row by row, then aggregated column by column.
/// </summary>
internal sealed class SessionOperator : StreamOperator
{
    private const int None = -1;
    private readonly SessionStage stage;
    private readonly StreamMode mode;
    private readonly int timeColumn;
    private readonly int? gapColumn;
    private readonly long gap;
    private readonly int[] keys;
    private readonly AggregatePlan[] aggregates;
    private readonly Accumulator[] accumulators;
    private readonly BatchView view = new();
    private readonly ByteWriter key = new();
    private readonly List<int> absorbed = [];
    private readonly Stack<int> free = [];
    private readonly List<int> found = [];
    private StringTable known = new(), spareKnown = new();
    private int[] first = [], spareFirst = [];             // by key: its first session
    private Session[] sessions = [];
    private int used, open;
    private int[] rowOf = [], sessionOf = [], passedRows = [], passedSessions = [];

    private struct Session
    {
        public int Key;
        public long Start, End;
        public int Next;   // of the same key
        public int Into;   // the session that took this one in
    }

    public SessionOperator(SessionStage stage, RowSchema source, StreamMode mode)
    {
        (this.stage, this.mode) = (stage, mode);
        timeColumn = source.IndexOf(stage.On);
        gapColumn = stage.GapField is { } field ? source.IndexOf(field) : null;
        gap = (stage.Gap ?? TimeSpan.Zero).Ticks / 10;
        keys = [.. stage.Keys.Select(source.IndexOf)];
        aggregates = [.. stage.Aggregates.Select(a => AggregatePlan.Bind(a, source, timeColumn))];
        accumulators = [.. aggregates.Select(a => a.Create())];
        Output = new RowSchema([new("session_start", FieldType.Timestamp, false), new("session_end", FieldType.Timestamp, false),
            .. keys.Select(k => source.Fields[k] with { Nullable = true }),
            .. stage.Aggregates.Select(a => AggregatePlan.ResultField(a, a.Field is null ? null : source.Fields[source.IndexOf(a.Field)])),
            new("session_time", FieldType.Timestamp, false)]);
    }

    public override RowSchema Output { get; }

    public override string? EventTime => "session_time";

    public override long StateRows => open;

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        view.Use(rows);
        if (rowOf.Length < rows.Count)
            (rowOf, sessionOf) = (new int[rows.Count * 5 / 4], new int[rows.Count * 5 / 4]);
        var times = (Int64Column)rows.Columns[timeColumn];
        var count = 0;
        for (var row = 0; row < rows.Count; row++)
        {
            var length = AssignSessionOperator.GapOf(rows, row, gap, gapColumn);
            if (times.IsNull(row) || length <= 0)
                continue;
            var (start, end) = (times.Values[row], times.Values[row] + length);
            if (end <= Watermark && mode != StreamMode.Complete)
            {
                Counts.DroppedLate++;
                Counts.DroppedLateRows++;
                continue;
            }
            rowOf[count] = row;
            sessionOf[count++] = Place(KeyOf(rows, row), start, end);
        }
        Aggregate(count);
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        if (mode == StreamMode.Complete)
            return;
        var closed = Ordered(s => s.End <= Watermark);
        if (closed.Length == 0)
            return;
        if (mode == StreamMode.Append)
            emit(Rows(closed));
        Counts.Removed += closed.Length;
        foreach (var session in closed)
            Remove(session);
        if (open * 4 < known.Count)
            Rebuild();
    }

    public override RowBatch? Table() => Rows(Ordered(_ => true));

    public override void Save(ByteWriter to)
    {
        var all = Ordered(_ => true);
        to.Varint((ulong)all.Length);
        foreach (var session in all)
        {
            to.Sized(known[sessions[session].Key]);
            to.Zigzag(sessions[session].Start);
            to.Zigzag(sessions[session].End);
            foreach (var accumulator in accumulators)
                accumulator.Write(session, to);
        }
    }

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        for (var left = from.Count(3); left > 0; left--)
        {
            var session = New(Number(from.Sized()), from.Zigzag(), from.Zigzag());
            foreach (var accumulator in accumulators)
                accumulator.Read(session, ref from);
        }
    }

    private int KeyOf(RowBatch rows, int row)
    {
        key.Clear();
        foreach (var column in keys)
            OrderedKey.Append(key, rows.Columns[column], row);
        return Number(key.Written);
    }

    private int Number(ReadOnlySpan<byte> bytes)
    {
        var number = known.Intern(bytes, Hash64.Of(bytes), out var isNew);
        if (number >= first.Length)
            Array.Resize(ref first, Math.Max(64, first.Length * 2));
        if (isNew)
            first[number] = None;
        return number;
    }

    /// <summary>The session of a row's interval: one that it meets, grown to cover it, with all others that it then meets taken in; or a new one.</summary>
    private int Place(int keyNumber, long start, long end)
    {
        var target = None;
        for (int at = first[keyNumber], before = None; at != None;)
        {
            var next = sessions[at].Next;
            if (sessions[at].Start > end || start > sessions[at].End)
            {
                (before, at) = (at, next);
                continue;
            }
            (start, end) = (Math.Min(start, sessions[at].Start), Math.Max(end, sessions[at].End));
            if (target == None)
            {
                target = at;
                (before, at) = (at, next);
                continue;
            }
            sessions[at].Into = target;
            absorbed.Add(at);
            sessions[before].Next = next;
            open--;
            at = next;
        }
        if (target == None)
            return New(keyNumber, start, end);
        sessions[target].Start = start;
        sessions[target].End = end;
        return target;
    }

    /// <summary>Adds the rows to the sessions that they ended up in, then those that were taken in.</summary>
    private void Aggregate(int count)
    {
        for (var i = 0; i < count; i++)
            while (sessions[sessionOf[i]].Into != None)
                sessionOf[i] = sessions[sessionOf[i]].Into;
        for (var i = 0; i < aggregates.Length; i++)
            Add(aggregates[i], accumulators[i], count);
        foreach (var session in absorbed)
        {
            var into = sessions[session].Into;
            while (sessions[into].Into != None)
                into = sessions[into].Into;
            foreach (var accumulator in accumulators)
            {
                accumulator.Merge(into, accumulator, session);
                accumulator.Clear(session);
            }
        }
        foreach (var session in absorbed)
            free.Push(session);
        absorbed.Clear();
    }

    private void Add(AggregatePlan aggregate, Accumulator into, int count)
    {
        if (aggregate.Where is null)
        {
            into.Add(view, rowOf.AsSpan(0, count), sessionOf.AsSpan(0, count));
            return;
        }
        var mask = view.Mask(aggregate.Where, aggregate.WhereText);
        if (passedRows.Length < rowOf.Length)
            (passedRows, passedSessions) = (new int[rowOf.Length], new int[rowOf.Length]);
        var passed = 0;
        for (var i = 0; i < count; i++)
            if (mask[rowOf[i]] != 0)
                (passedRows[passed], passedSessions[passed++]) = (rowOf[i], sessionOf[i]);
        into.Add(view, passedRows.AsSpan(0, passed), passedSessions.AsSpan(0, passed));
    }

    private int New(int keyNumber, long start, long end)
    {
        if (!free.TryPop(out var session))
        {
            session = used++;
            if (session >= sessions.Length)
                Array.Resize(ref sessions, Math.Max(64, sessions.Length * 2));
            foreach (var accumulator in accumulators)
                accumulator.Grow(sessions.Length);
        }
        sessions[session] = new Session { Key = keyNumber, Start = start, End = end, Next = first[keyNumber], Into = None };
        first[keyNumber] = session;
        open++;
        return session;
    }

    private void Remove(int session)
    {
        ref var link = ref first[sessions[session].Key];
        while (link != session)
            link = ref sessions[link].Next;
        link = sessions[session].Next;
        foreach (var accumulator in accumulators)
            accumulator.Clear(session);
        free.Push(session);
        open--;
    }

    /// <summary>Forgets the keys that have no session any more.</summary>
    private void Rebuild()
    {
        var (old, heads) = (known, first);
        // Two tables take turns, so that nothing is left behind.
        (known, first, spareKnown, spareFirst) = (spareKnown, spareFirst, old, heads);
        known.Clear();
        for (var number = 0; number < old.Count; number++)
        {
            if (heads[number] == None)
                continue;
            var now = Number(old[number]);
            first[now] = heads[number];
            for (var at = heads[number]; at != None; at = sessions[at].Next)
                sessions[at].Key = now;
        }
    }

    private int[] Ordered(Func<Session, bool> which)
    {
        found.Clear();
        for (var number = 0; number < known.Count; number++)
            for (var at = first[number]; at != None; at = sessions[at].Next)
                if (which(sessions[at]))
                    found.Add(at);
        found.Sort((a, b) => sessions[a].End.CompareTo(sessions[b].End) is var byEnd and not 0 ? byEnd
            : known[sessions[a].Key].SequenceCompareTo(known[sessions[b].Key]));
        return [.. found];
    }

    private RowBatch Rows(int[] which)
    {
        var output = new RowsBuilder(Output, which.Length);
        foreach (var session in which)
        {
            output.Time(0, sessions[session].Start);
            output.Time(1, sessions[session].End);
            var reader = new ByteReader(known[sessions[session].Key]);
            for (var i = 0; i < keys.Length; i++)
                OrderedKey.Read(ref reader, output.Columns[2 + i]);
            for (var i = 0; i < accumulators.Length; i++)
                aggregates[i].Emit(accumulators[i], session, output.Columns[2 + keys.Length + i]);
            output.Time(output.Columns.Length - 1, sessions[session].End - 1);
        }
        return output.Build();
    }
}
