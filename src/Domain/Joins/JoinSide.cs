using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Joins;

/// <summary>
/// The stored rows of one side of a join: in columns, linked by key. A row that is gone keeps its place until the side is packed, into a second store that
/// takes turns with the first, so that packing leaves no garbage.
/// </summary>
internal sealed class JoinSide(RowSchema schema)
{
    private const int None = -1;
    private Store store = new(schema), spare = new(schema);

    /// <summary>Rows that are stored.</summary>
    public int Count { get; private set; }

    /// <summary>All places, gone ones included.</summary>
    public int Places => store.Rows.Count;

    /// <summary>The rows by place.</summary>
    public RowBatch Rows => store.View ??= store.Rows.Build();

    public bool IsAlive(int place) => store.Alive[place];

    public long Goes(int place) => store.Goes[place];

    public bool IsMatched(int place) => store.Matched[place];

    public void Match(int place) => store.Matched[place] = true;

    /// <summary>Stores a row; a row with a null key is stored under no key and is found by nobody.</summary>
    public void Add(RowBatch from, int row, ReadOnlySpan<byte> key, bool hasKey, long until, bool isMatched)
    {
        store.Add(from, row, hasKey, key, until, isMatched);
        Count++;
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

    /// <summary>Rebuilds the side without the rows that are gone, when these are most of it.</summary>
    public void Pack()
    {
        if (Places < 64 || Count * 2 > Places)
            return;
        var (old, rows) = (store, Rows);
        (store, spare) = (spare, store);
        store.Clear();
        for (var place = 0; place < rows.Count; place++)
            if (old.Alive[place])
                store.Add(rows, place, old.Key[place] != None, old.Key[place] == None ? [] : old.Keys[old.Key[place]], old.Goes[place], old.Matched[place]);
    }

    private sealed class Store(RowSchema schema)
    {
        public RowsBuilder Rows { get; } = new(schema);

        public StringTable Keys { get; } = new();

        public int[] First = [];                       // by key: its newest place
        public int[] Next = [], Key = [];              // by place
        public long[] Goes = [];                       // watermark at which the row can go
        public bool[] Matched = [], Alive = [];

        public RowBatch? View { get; set; }

        public void Add(RowBatch from, int row, bool hasKey, ReadOnlySpan<byte> key, long until, bool isMatched)
        {
            var place = Rows.Count;
            View = null;
            Rows.Copy(0, from, row);
            if (place >= Next.Length)
            {
                var size = Math.Max(64, Next.Length * 2);
                Array.Resize(ref Next, size);
                Array.Resize(ref Key, size);
                Array.Resize(ref Goes, size);
                Array.Resize(ref Matched, size);
                Array.Resize(ref Alive, size);
            }
            (Goes[place], Matched[place], Alive[place], Next[place], Key[place]) = (until, isMatched, true, None, None);
            if (!hasKey)
                return;
            var number = Keys.Intern(key, Hash64.Of(key), out var isNew);
            if (number >= First.Length)
                Array.Resize(ref First, Math.Max(64, First.Length * 2));
            Next[place] = isNew ? None : First[number];
            (First[number], Key[place]) = (place, number);
        }

        public void Clear()
        {
            Rows.Reset();
            Keys.Clear();
            View = null;
        }
    }
}
