using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>Numbers 64-bit values 0, 1, 2… in order of arrival, by open addressing. Clearing costs as much as was used.</summary>
internal sealed class NumberTable
{
    private ulong[] values = new ulong[64];
    private int[] slots = new int[256];   // number + 1; 0 = empty

    public int Count { get; private set; }

    public ulong this[int number] => values[number];

    public int Number(ulong value)
    {
        var mask = slots.Length - 1;
        for (var at = (int)(Hash64.Of(value) >> 20) & mask; ; at = (at + 1) & mask)
        {
            var number = slots[at] - 1;
            if (number < 0)
                return Add(value, at);
            if (values[number] == value)
                return number;
        }
    }

    public void Clear()
    {
        Array.Clear(slots);
        Count = 0;
    }

    private int Add(ulong value, int at)
    {
        var number = Count++;
        if (number == values.Length)
            Array.Resize(ref values, number * 2);
        values[number] = value;
        slots[at] = number + 1;
        if (Count * 2 > slots.Length)
            Grow();
        return number;
    }

    private void Grow()
    {
        slots = new int[slots.Length * 2];
        var mask = slots.Length - 1;
        for (var number = 0; number < Count; number++)
        {
            var at = (int)(Hash64.Of(values[number]) >> 20) & mask;
            while (slots[at] != 0)
                at = (at + 1) & mask;
            slots[at] = number + 1;
        }
    }
}
