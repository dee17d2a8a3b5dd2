using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Joins;

/// <summary>The stored rows of one side of a join: in columns, linked by key. A row that is gone keeps its place until the side is packed.</summary>
internal sealed class JoinSide(RowSchema schema)
{
    private const int None = -1;
    private RowsBuilder rows = new(schema);
    private StringTable keys = new();
    private int[] first = [], next = [];
    private long[] goes = [];          // watermark at which the row can go
    private bool[] matched = [], alive = [];
    private RowBatch? view;

    /// <summary>Rows that are stored.</summary>
    public int Count { get; private set; }

    /// <summary>All places, gone ones included.</summary>
    public int Places => rows.Count;

    /// <summary>The rows by place.</summary>
    public RowBatch Rows => view ??= rows.Build();

    public bool IsAlive(int place) => alive[place];

    public long Goes(int place) => goes[place];

    public bool IsMatched(int place) => matched[place];

    public void Match(int place) => matched[place] = true;

    /// <summary>Stores a row; a row with a null key is stored under no key and is found by nobody.</summary>
    public int Add(RowBatch from, int row, ReadOnlySpan<byte> key, bool hasKey, long until, bool isMatched)
    {
        var place = rows.Count;
        view = null;
        rows.Copy(0, from, row);
        if (place >= next.Length)
        {
            var size = Math.Max(64, next.Length * 2);
            Array.Resize(ref next, size);
            Array.Resize(ref goes, size);
            Array.Resize(ref matched, size);
            Array.Resize(ref alive, size);
        }
        (goes[place], matched[place], alive[place], next[place]) = (until, isMatched, true, None);
        Count++;
        if (!hasKey)
            return place;
        var number = keys.Intern(key, Hash64.Of(key), out var isNew);
        if (number >= first.Length)
            Array.Resize(ref first, Math.Max(64, first.Length * 2));
        next[place] = isNew ? None : first[number];
        first[number] = place;
        return place;
    }

    /// <summary>Place of the newest row with this key, gone or not; −1 when there is none. <see cref="Next"/> leads to the older ones.</summary>
    public int First(ReadOnlySpan<byte> key) => keys.Find(key, Hash64.Of(key)) is var number and >= 0 ? first[number] : None;

    /// <summary>Place of the next older row of the same key, or −1.</summary>
    public int Next(int place) => next[place];

    public void Remove(int place)
    {
        alive[place] = false;
        Count--;
    }

    /// <summary>Rebuilds the side without the rows that are gone, when these are most of it.</summary>
    public void Pack(Func<RowBatch, int, (byte[] Key, bool HasKey)> keyOf)
    {
        if (Places < 64 || Count * 2 > Places)
            return;
        var (old, wasAlive, until, hadMatch) = (Rows, alive, goes, matched);
        (rows, keys, first, next, goes, matched, alive, view, Count) = (new RowsBuilder(schema), new StringTable(), [], [], [], [], [], null, 0);
        for (var place = 0; place < old.Count; place++)
            if (wasAlive[place] && keyOf(old, place) is var (key, hasKey))
                Add(old, place, key, hasKey, until[place], hadMatch[place]);
    }
}
