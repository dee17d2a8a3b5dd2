using System.Runtime.CompilerServices;

namespace Tidemark.Domain.Deduplication;

/// <summary>
/// The ids of one partition that may come again, with the greatest event time of each. It is a function of the set of events kept below
/// <see cref="Next"/> and of the frontier, so that whoever rebuilds it, from whatever copies and in whatever order, gets the same answers.
/// <para><b>Time.</b> With a horizon H and a frontier F: an id is remembered until its event time + 2 H ≤ F (rounded up to a second). An event of a
/// remembered id is a duplicate; another is too old if its time + H ≤ F, else the first of its id. So two events of one id whose times are no more
/// than H apart are never both taken for the first, whatever order they come in.</para>
/// <para><b>Memory.</b> Open addressing, 16 bytes a slot, at most three quarters full: 21 to 51 MB per million ids. Not thread-safe.</para>
/// </summary>
internal sealed class DeduplicationIndex(long horizonMs, int maxIds, bool forgetsRefused = true)
{
    private const int LeastSlots = 1 << 10;
    private Slot[] slots = new Slot[LeastSlots];
    private readonly List<(int At, Slot Was)> undo = [];
    private long sweptAt = long.MinValue;

    /// <summary>The offset up to which this index knows the partition.</summary>
    public long Next { get; private set; }

    /// <summary>Ids remembered, those not yet swept out included.</summary>
    public int Count { get; private set; }

    /// <summary>Memory of the table.</summary>
    public long Bytes => slots.LongLength * Unsafe.SizeOf<Slot>();

    /// <summary>Makes room for so many more ids; false when they do not fit below the ceiling, and then nothing has changed.</summary>
    public bool TryReserve(int more, long frontierMs)
    {
        Undo();
        if (Fits(Count + more) && Count + (long)more <= maxIds)
            return true;
        if (frontierMs > sweptAt)
            Sweep(frontierMs, Count + more);
        // An index that holds nothing takes any batch: a batch larger than the ceiling could otherwise never be processed.
        if (Count > 0 && Count + (long)more > maxIds)
            return false;
        if (!Fits(Count + more))
            Resize(Count + more, static _ => true);
        return true;
    }

    /// <summary>
    /// Judges events in offset order, each seeing those before it, and remembers them provisionally: until <see cref="Accept"/> a further call forgets
    /// them again. There must be room for them.
    /// </summary>
    public void Judge(ReadOnlySpan<SeenEvent> events, long frontierMs, Span<Verdict> verdicts)
    {
        Undo();
        for (var i = 0; i < events.Length; i++)
        {
            ref readonly var e = ref events[i];
            var at = Find(e.Key);
            if (slots[at].Seconds != 0 && IsRemembered(slots[at].Seconds, frontierMs))
            {
                verdicts[i] = Verdict.Duplicate;
                continue;
            }
            verdicts[i] = e.TimeMs + horizonMs <= frontierMs ? Verdict.TooOld : Verdict.First;
            undo.Add((at, slots[at]));
            Put(at, e);
        }
    }

    /// <summary>What was judged last is committed: the partition is known up to this offset.</summary>
    public void Accept(long next)
    {
        undo.Clear();
        Next = next;
    }

    /// <summary>Remembers an event that was kept, the same one any number of times; false when it does not fit below the ceiling.</summary>
    public bool TryRemember(in SeenEvent e, long frontierMs)
    {
        if (!IsRemembered(Seconds(e.TimeMs), frontierMs))
            return true;
        var at = Find(e.Key);
        if (slots[at].Seconds == 0)
        {
            if (!TryReserve(1, frontierMs))
                return false;
            at = Find(e.Key);
        }
        Put(at, e);
        return true;
    }

    /// <summary>Event time (ms) at or below which events no longer matter under this frontier.</summary>
    public long ForgottenUpTo(long frontierMs) => frontierMs - 2 * horizonMs - 1000;

    /// <summary>Forgets what was judged and not accepted.</summary>
    public void Undo()
    {
        for (var i = undo.Count - 1; i >= 0 && forgetsRefused; i--)
        {
            Count -= undo[i].Was.Seconds == 0 ? 1 : 0;
            slots[undo[i].At] = undo[i].Was;
        }
        undo.Clear();
    }

    private void Put(int at, in SeenEvent e)
    {
        ref var slot = ref slots[at];
        Count += slot.Seconds == 0 ? 1 : 0;
        slot = new Slot { Hash = e.Key.Hash, Check = e.Key.Check, Seconds = Math.Max(slot.Seconds, Seconds(e.TimeMs)) };
    }

    /// <summary>The slot of a key, or the empty one where it would go.</summary>
    private int Find(EventKey key)
    {
        var mask = slots.Length - 1;
        for (var at = (int)key.Hash & mask; ; at = (at + 1) & mask)
        {
            ref var slot = ref slots[at];
            if (slot.Seconds == 0 || (slot.Hash == key.Hash && slot.Check == key.Check))
                return at;
        }
    }

    private bool Fits(long ids) => ids * 4 <= slots.LongLength * 3;

    private bool IsRemembered(uint seconds, long frontierMs) => (seconds - 1L) * 1000 + 2 * horizonMs > frontierMs;

    /// <summary>Whole seconds since 1970, rounded up, plus one: 0 marks an empty slot. Times beyond 2106 count as 2106.</summary>
    private static uint Seconds(long timeMs) => (uint)Math.Clamp((timeMs + 999) / 1000 + 1, 1, uint.MaxValue);

    private void Sweep(long frontierMs, int needed)
    {
        sweptAt = frontierMs;
        Resize(needed, seconds => IsRemembered(seconds, frontierMs));
    }

    /// <summary>Moves what stays into a table with room to spare beyond what is needed, so that the next sweep is not near.</summary>
    private void Resize(int needed, Func<uint, bool> stays)
    {
        var old = slots;
        var staying = 0;
        foreach (ref var slot in old.AsSpan())
            staying += slot.Seconds != 0 && stays(slot.Seconds) ? 1 : 0;
        var wanted = staying + (needed - Count);
        var size = LeastSlots;
        while (size * 5L < wanted * 8L)
            size *= 2;
        (slots, Count) = (new Slot[size], staying);
        foreach (ref var slot in old.AsSpan())
            if (slot.Seconds != 0 && stays(slot.Seconds))
                slots[Find(new EventKey(slot.Hash, slot.Check))] = slot;
    }

    private struct Slot
    {
        public ulong Hash;
        public uint Check;
        public uint Seconds;
    }
}
