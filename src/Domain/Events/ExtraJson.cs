using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Events;

/// <summary>Writes the members that no column takes as one JSON object, values as the producer wrote them; of a repeated name the last.</summary>
internal static class ExtraJson
{
    private const int FewMembers = 16;

    /// <summary>Appends one row to <paramref name="to"/>: the object, or null when there is no such member.</summary>
    public static void Append(ReadOnlySpan<byte> json, JsonEvent members, uint unusedSlots, Utf8ColumnBuilder to)
    {
        if (members.Unknown.Count == 0 && unusedSlots == 0)
        {
            to.AppendNull();
            return;
        }
        var repeated = members.Unknown.Count > 1 ? Repeated(json, members.Unknown) : null;
        var room = to.Reserve(json.Length + 4 * members.Slots.Length + 2);
        var length = 0;
        for (var i = 0; i < members.Unknown.Count; i++)
        {
            var member = members.Unknown[i];
            if (repeated is null || !repeated[i])
                Add(room, ref length, json.Slice(member.NameStart, member.NameLength), json.Slice(member.Start, member.Length));
        }
        for (var slot = 0; slot < members.Slots.Length; slot++)
            if ((unusedSlots >> slot & 1) != 0)
                Add(room, ref length, members.Names.NameOf(slot), Raw(json, members.Slots[slot]));
        room[length++] = (byte)'}';
        to.Commit(length);
    }

    private static void Add(Span<byte> room, ref int length, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        room[length] = length == 0 ? (byte)'{' : (byte)',';
        room[length + 1] = (byte)'"';
        name.CopyTo(room[(length + 2)..]);
        length += 2 + name.Length;
        room[length++] = (byte)'"';
        room[length++] = (byte)':';
        value.CopyTo(room[length..]);
        length += value.Length;
    }

    private static ReadOnlySpan<byte> Raw(ReadOnlySpan<byte> json, JsonSlice slice) =>
        slice.Kind is JsonKind.String or JsonKind.Escaped ? json.Slice(slice.Start - 1, slice.Length + 2) : json.Slice(slice.Start, slice.Length);

    /// <summary>Which members have a later one of the same name; null when none has.</summary>
    private static bool[]? Repeated(ReadOnlySpan<byte> json, List<UnknownMember> members)
    {
        if (members.Count <= FewMembers && !AnySuspect(json, members))
            return null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var repeated = new bool[members.Count];
        for (var i = members.Count - 1; i >= 0; i--)
            repeated[i] = !seen.Add(NameOf(json, members[i]));
        return repeated;
    }

    private static bool AnySuspect(ReadOnlySpan<byte> json, List<UnknownMember> members)
    {
        for (var i = 0; i < members.Count; i++)
        {
            if (members[i].NameEscaped)
                return true;
            for (var j = 0; j < i; j++)
                if (members[i].NameLength == members[j].NameLength
                    && json.Slice(members[i].NameStart, members[i].NameLength).SequenceEqual(json.Slice(members[j].NameStart, members[j].NameLength)))
                    return true;
        }
        return false;
    }

    private static string NameOf(ReadOnlySpan<byte> json, UnknownMember member)
    {
        var raw = json.Slice(member.NameStart, member.NameLength);
        if (!member.NameEscaped)
            return Encoding.UTF8.GetString(raw);
        var name = new byte[raw.Length];
        return JsonText.Unescape(raw, name) is var length and >= 0 ? Encoding.UTF8.GetString(name, 0, length) : Encoding.UTF8.GetString(raw);
    }
}
