namespace Tidemark.Domain.Events;

/// <summary>What a JSON value is; <see cref="Escaped"/> is a string with at least one backslash.</summary>
internal enum JsonKind : byte { Null, String, Escaped, Number, True, False, Object, Array }

/// <summary>Where a value lies in the record; strings without their quotes.</summary>
internal struct JsonSlice
{
    public int Start;
    public int Length;
    public JsonKind Kind;
}

/// <summary>Where a member that the decoder does not know lies: name (without quotes) and value (with them).</summary>
internal readonly record struct UnknownMember(int NameStart, int NameLength, bool NameEscaped, int Start, int Length);

/// <summary>The members of one event as positions in its bytes; reused from event to event.</summary>
internal sealed class JsonEvent(FieldNames names)
{
    public readonly JsonSlice[] Slots = new JsonSlice[names.Count];
    public readonly FieldNames Names = names;
    public readonly List<UnknownMember> Unknown = [];

    /// <summary>One bit a slot: there and not null.</summary>
    public uint Present;

    public void Clear()
    {
        Present = 0;
        if (Unknown.Count > 0)
            Unknown.Clear();
    }

    public bool Has(int slot) => (Present >> slot & 1) != 0;

    public void Set(int slot, JsonSlice slice)
    {
        Slots[slot] = slice;
        if (slice.Kind == JsonKind.Null)
            Present &= ~(1u << slot);
        else
            Present |= 1u << slot;
    }
}
