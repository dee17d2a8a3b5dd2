using Tidemark.Domain.Columns;

namespace Tidemark.Domain.KeyedState;

/// <summary>
/// States by key and the times they are due at. Keys are numbered; a number is good until the next <see cref="Tidy"/>. A timer that is put off stays in the
/// queue where it was and is put back when it comes up, so that each key is in it about once.
/// </summary>
internal sealed class KeyedEntries
{
    private const int SmallTable = 1024;
    private const long Never = long.MaxValue;
    private readonly PriorityQueue<int, (long Due, int Number)> timers;
    private StringTable known = new(), spareKnown = new();
    private Entry[] entries = new Entry[64], spareEntries = new Entry[64];

    private struct Entry
    {
        public object? State;
        public long Due;
        public long Queued;   // least time that it is in the queue under
    }

    public KeyedEntries() => timers = new(Comparer<(long Due, int Number)>.Create(
        (a, b) => a.Due.CompareTo(b.Due) is var byDue and not 0 ? byDue : a.Number == b.Number ? 0 : known[a.Number].SequenceCompareTo(known[b.Number])));

    /// <summary>Keys that have a state.</summary>
    public int Count { get; private set; }

    /// <summary>The number of a key, new or known.</summary>
    public int Number(ReadOnlySpan<byte> key)
    {
        var number = known.Intern(key, Hash64.Of(key), out var isNew);
        if (number == entries.Length)
            Array.Resize(ref entries, number * 2);
        if (isNew)
            entries[number] = new Entry { Due = Never, Queued = Never };
        return number;
    }

    public ReadOnlySpan<byte> Key(int number) => known[number];

    public object? State(int number) => entries[number].State;

    /// <summary>When the key's timeout is due; null when it is off.</summary>
    public long? Due(int number) => entries[number].Due is var due and not Never ? due : null;

    /// <summary>Sets state and timeout of a key; a key without state has none. Returns whether it had one and has none now.</summary>
    public bool Set(int number, object? state, long? due)
    {
        ref var entry = ref entries[number];
        var (had, has) = (entry.State is not null, state is not null);
        Count += (has ? 1 : 0) - (had ? 1 : 0);
        (entry.State, entry.Due) = (state, has ? due ?? Never : Never);
        if (entry.Due < entry.Queued)
        {
            entry.Queued = entry.Due;
            timers.Enqueue(number, (entry.Due, number));
        }
        return had && !has;
    }

    /// <summary>The first timer that is due by the clock; null when none is.</summary>
    public (long Due, int Number)? TakeDue(long clock)
    {
        while (timers.TryPeek(out var number, out var at) && at.Due <= clock)
        {
            ref var entry = ref entries[number];
            timers.Dequeue();
            if (at.Due != entry.Queued)
                continue;   // it is in the queue a second time, under an earlier time
            entry.Queued = Never;
            if (entry.Due == at.Due)
                return (at.Due, number);
            if (entry.Due == Never)
                continue;
            entry.Queued = entry.Due;
            timers.Enqueue(number, (entry.Due, number));
        }
        return null;
    }

    /// <summary>Numbers of the keys that have a state, in the order of the keys.</summary>
    public IEnumerable<int> Ordered()
    {
        var numbers = Enumerable.Range(0, known.Count).Where(n => entries[n].State is not null).ToArray();
        Array.Sort(numbers, (a, b) => known[a].SequenceCompareTo(known[b]));
        return numbers;
    }

    /// <summary>Forgets the keys without a state when these are most of them. Two tables take turns, so that nothing is left behind.</summary>
    public void Tidy()
    {
        if (known.Count < SmallTable || Count * 4 > known.Count)
            return;
        var (old, states) = (known, entries);
        (known, spareKnown, entries, spareEntries) = (spareKnown, old, spareEntries, states);
        known.Clear();
        timers.Clear();
        for (var number = 0; number < old.Count; number++)
            if (states[number].State is { } state)
                Put(Number(old[number]), state, states[number].Due);
        Array.Clear(states);
    }

    public void Clear()
    {
        known.Clear();
        timers.Clear();
        Array.Clear(entries);
        Count = 0;
    }

    private void Put(int number, object state, long due)
    {
        entries[number] = new Entry { State = state, Due = due, Queued = due };
        if (due != Never)
            timers.Enqueue(number, (due, number));
    }
}
