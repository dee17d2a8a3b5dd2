namespace Tidemark.Domain.Events;

/// <summary>The JSON names that a decoder knows, one slot each, at most 32.</summary>
internal sealed class FieldNames
{
    private readonly byte[][] names;
    private readonly byte[][] quoted;
    private readonly byte[][] byLength;

    public FieldNames(IReadOnlyList<byte[]> names)
    {
        if (names.Count > 32)
            throw new ArgumentException($"A schema has {names.Count} names; 32 are possible.", nameof(names));
        this.names = [.. names];
        quoted = [.. names.Select(n => (byte[])[(byte)'"', .. n, (byte)'"', (byte)':'])];
        byLength = new byte[names.Max(n => n.Length) + 1][];
        for (var length = 0; length < byLength.Length; length++)
            byLength[length] = [.. Enumerable.Range(0, names.Count).Where(i => names[i].Length == length).Select(i => (byte)i)];
    }

    /// <summary>Number of slots.</summary>
    public int Count => names.Length;

    /// <summary>The JSON name of a slot.</summary>
    public ReadOnlySpan<byte> NameOf(int slot) => names[slot];

    /// <summary>The name as it stands before a value: <c>"name":</c>.</summary>
    public ReadOnlySpan<byte> QuotedName(int slot) => quoted[slot];

    /// <summary>The slot of a name, or −1.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        if (name.Length >= byLength.Length)
            return -1;
        foreach (var slot in byLength[name.Length])
            if (name.SequenceEqual(names[slot]))
                return slot;
        return -1;
    }
}
