using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>One code a row of a key column, 0 for null, dense from 1: what groups are made of. Reusable.</summary>
internal sealed class KeyCodes
{
    private readonly StringTable strings = new();
    private readonly NumberTable numbers = new();
    private int[] codes = [];

    /// <summary>The codes.</summary>
    public ReadOnlySpan<int> Values => codes;

    /// <summary>All codes are less than this.</summary>
    public int Limit { get; private set; }

    /// <summary>Numbers the values of a column.</summary>
    /// <param name="column">The column.</param>
    /// <param name="hashes">Of its values; only plain texts need them.</param>
    public void Fill(Column column, ReadOnlySpan<ulong> hashes)
    {
        if (codes.Length < column.Count)
            codes = new int[column.Count * 5 / 4];
        switch (column)
        {
            case DictionaryColumn coded:
                for (var i = 0; i < coded.Count; i++)
                    codes[i] = coded.Codes[i] + 1;
                Limit = coded.Dictionary.Count + 1;
                break;
            case BinaryColumn plain:
                strings.Clear();
                for (var i = 0; i < plain.Count; i++)
                    codes[i] = strings.Intern(plain[i], hashes[i], out _) + 1;
                Limit = strings.Count + 1;
                break;
            default:
                numbers.Clear();
                for (var i = 0; i < column.Count; i++)
                    codes[i] = numbers.Number(Bits(column, i)) + 1;
                Limit = numbers.Count + 1;
                break;
        }
        if (column.Nulls is not null)
            for (var i = 0; i < column.Count; i++)
                if (column.IsNull(i))
                    codes[i] = 0;
    }

    private static ulong Bits(Column column, int row) => column switch
    {
        Int64Column c => (ulong)c.Values[row],
        Int32Column c => (ulong)c.Values[row],
        BooleanColumn c => c.Values[row] ? 1UL : 0,
        _ => throw new ArgumentException($"A {column.GetType().Name} cannot be a group key.", nameof(column)),
    };
}
