using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Joins;

/// <summary>
/// The stored rows of one side of a join: in columns, linked by key. Rows are named one by one and stored together, column by column. A row that is gone
/// keeps its place until the side is packed, into a second store that takes turns with the first, so that packing leaves no garbage.
/// </summary>
internal sealed class JoinSide(RowSchema schema)
{
    private const int None = -1;
    private const int Block = 256;
    private Table store = new(schema), spare = new(schema);
    private int[] named = [];
    private int count;

    /// <summary>Rows that are stored.</summary>
    public int Count { get; private set; }

    /// <summary>All places, gone ones included.</summary>
    public int Places => store.Places;

    /// <summary>The rows by place.</summary>
    public RowBatch Rows => store.View ??= store.Rows.Build();

    public bool IsAlive(int place) => store.Alive[place];

    public bool IsMatched(int place) => store.Matched[place];

    /// <summary>Watermark at which the row can go.</summary>
    public long Due(int place) => store.Goes[place];

    public void Match(int place) => store.Matched[place] = true;

    /// <summary>
    /// Names a row of a batch as one to store; <see cref="Store(RowBatch)"/> does so. A row with a null key is stored under no key and is found by nobody.
    /// </summary>
    public void Add(int row, ReadOnlySpan<byte> key, bool hasKey, long until, bool isMatched)
    {
        if (count == named.Length)
            Array.Resize(ref named, Math.Max(64, count * 2));
        named[count++] = row;
        store.Link(hasKey, key, until, isMatched);
        Count++;
    }

    /// <summary>Stores the rows that were named.</summary>
    public void Store(RowBatch from)
    {
        store.Append(from, named.AsSpan(0, count));
        count = 0;
    }

    /// <summary>Place of the newest row with this key, gone or not; −1 when there is none. <see cref="Next"/> leads to the older ones.</summary>
    public int First(ReadOnlySpan<byte> key) => store.Keys.Find(key, Hash64.Of(key)) is var number and >= 0 ? store.First[number] : None;

    /// <summary>Place of the next older row of the same key, or −1.</summary>
    public int Next(int place) => store.Next[place];

    public void Remove(int place)
    {
        store.Alive[place] = false;
        Count--;
    }

    /// <summary>
    /// The first row at or behind a place that can go at this watermark, or −1. All of them are to be asked for, from 0 on, and to be removed: a block of rows
    /// of which none can go is passed over from then on.
    /// </summary>
    public int NextDue(int place, long watermark)
    {
        for (; place < Places; place++)
        {
            if (place % Block == 0)
            {
                while (place < Places && store.Soonest[place / Block] > watermark)
                    place += Block;
                if (place >= Places)
                    break;
                store.Look(place / Block, watermark);
            }
            if (store.Alive[place] && store.Goes[place] <= watermark)
                return place;
        }
        return None;
    }

    /// <summary>Rebuilds the side without the rows that are gone, when these are most of it.</summary>
    public void Pack()
    {
        if (Places < 64 || Count * 2 > Places)
            return;
        var (old, rows) = (store, Rows);
        (store, spare) = (spare, store);
        store.Clear();
        Count = 0;
        for (var place = 0; place < rows.Count; place++)
            if (old.Alive[place])
                Add(place, old.Key[place] == None ? [] : old.Keys[old.Key[place]], old.Key[place] != None, old.Goes[place], old.Matched[place]);
        Store(rows);
    }

    private sealed class Table(RowSchema schema)
    {
        public RowsBuilder Rows { get; } = new(schema);

        public StringTable Keys { get; } = new();

        public int[] First = [];                       // by key: its newest place
        public int[] Next = [], Key = [];              // by place
        public long[] Goes = [];                       // watermark at which the row can go
        public bool[] Matched = [], Alive = [];
        public long[] Soonest = [];                    // by block of places: no row of it can go before

        public int Places { get; private set; }

        public RowBatch? View { get; set; }

        public void Link(bool hasKey, ReadOnlySpan<byte> key, long until, bool isMatched)
        {
            var place = Places++;
            if (place == Next.Length)
                Grow(Math.Max(Block, place * 2));
            if (place % Block == 0)
                Soonest[place / Block] = long.MaxValue;
            Soonest[place / Block] = Math.Min(Soonest[place / Block], until);
            (Goes[place], Matched[place], Alive[place], Next[place], Key[place]) = (until, isMatched, true, None, None);
            if (!hasKey)
                return;
            var number = Keys.Intern(key, Hash64.Of(key), out var isNew);
            if (number >= First.Length)
                Array.Resize(ref First, Math.Max(64, First.Length * 2));
            Next[place] = isNew ? None : First[number];
            (First[number], Key[place]) = (place, number);
        }

        public void Append(RowBatch from, ReadOnlySpan<int> which)
        {
            if (which.IsEmpty)
                return;
            View = null;
            for (var i = 0; i < Rows.Columns.Length; i++)
                Rows.Columns[i].AppendRows(from.Columns[i], which);
        }

        /// <summary>Sees when the first row of a block can go that stays at this watermark.</summary>
        public void Look(int block, long watermark)
        {
            var soonest = long.MaxValue;
            for (var place = block * Block; place < Math.Min(Places, (block + 1) * Block); place++)
                if (Alive[place] && Goes[place] > watermark)
                    soonest = Math.Min(soonest, Goes[place]);
            Soonest[block] = soonest;
        }

        public void Clear()
        {
            Rows.Reset();
            Keys.Clear();
            (Places, View) = (0, null);
        }

        private void Grow(int size)
        {
            Array.Resize(ref Next, size);
            Array.Resize(ref Key, size);
            Array.Resize(ref Goes, size);
            Array.Resize(ref Matched, size);
            Array.Resize(ref Alive, size);
            Array.Resize(ref Soonest, size / Block);
        }
    }
}
