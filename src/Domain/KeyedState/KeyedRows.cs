namespace Tidemark.Domain.KeyedState;

/// <summary>Rows of a batch by key: the keys in the order in which they first came, the rows of each in theirs. Keeps its memory.</summary>
internal sealed class KeyedRows
{
    private int[] groupOf = [];                            // by key number, valid where its stamp is this batch's
    private int[] stamps = [];
    private int[] keys = [], heads = [], tails = [], counts = [];   // by group
    private int[] rows = [], next = [];                    // by place
    private int[] taken = [];
    private int stamp, places;

    /// <summary>How many keys there are.</summary>
    public int Groups { get; private set; }

    public void Clear()
    {
        (Groups, places) = (0, 0);
        if (++stamp != int.MaxValue)
            return;
        Array.Clear(stamps);
        stamp = 1;
    }

    public void Add(int key, int row)
    {
        if (key >= stamps.Length)
        {
            Grow(ref stamps, key + 1);
            Array.Resize(ref groupOf, stamps.Length);
        }
        if (places == rows.Length)
        {
            Grow(ref rows, places + 1);
            Array.Resize(ref next, rows.Length);
        }
        var place = places++;
        (rows[place], next[place]) = (row, -1);
        if (stamps[key] == stamp)
        {
            var group = groupOf[key];
            next[tails[group]] = place;
            tails[group] = place;
            counts[group]++;
            return;
        }
        if (Groups == keys.Length)
        {
            Grow(ref keys, Groups + 1);
            Array.Resize(ref heads, keys.Length);
            Array.Resize(ref tails, keys.Length);
            Array.Resize(ref counts, keys.Length);
        }
        (stamps[key], groupOf[key]) = (stamp, Groups);
        (keys[Groups], heads[Groups], tails[Groups], counts[Groups]) = (key, place, place, 1);
        Groups++;
    }

    /// <summary>Number of a group's key.</summary>
    public int Key(int group) => keys[group];

    /// <summary>Its rows; valid until the next call.</summary>
    public ReadOnlySpan<int> Rows(int group)
    {
        if (taken.Length < counts[group])
            Grow(ref taken, counts[group]);
        var count = 0;
        for (var place = heads[group]; place >= 0; place = next[place])
            taken[count++] = rows[place];
        return taken.AsSpan(0, count);
    }

    private static void Grow(ref int[] array, int size) => Array.Resize(ref array, Math.Max(64, Math.Max(size, array.Length * 2)));
}
