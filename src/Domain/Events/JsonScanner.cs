using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tidemark.Domain.Events;

/// <summary>What a scan found.</summary>
internal enum ScanResult { Event, InvalidJson, NotAnObject, TooDeep }

/// <summary>
/// Finds the members of one JSON object in one pass over valid UTF-8, without an exception or an object on the way. Accepts exactly RFC 8259 (no
/// comments, no trailing commas); of a repeated name the last value counts. Nested values are checked and skipped.
/// </summary>
internal ref struct JsonScanner
{
    private readonly ref byte json;
    private readonly int end;
    private readonly int maxDepth;
    private int at;
    private bool tooDeep;

    private JsonScanner(ReadOnlySpan<byte> value, int maxDepth)
    {
        json = ref MemoryMarshal.GetReference(value);
        end = value.Length;
        this.maxDepth = maxDepth;
    }

    /// <summary>Scans one record into <paramref name="into"/>; <paramref name="position"/> is where a fault was seen.</summary>
    public static ScanResult Scan(ReadOnlySpan<byte> value, int maxDepth, FieldOrder order, JsonEvent into, out int position)
    {
        var scanner = new JsonScanner(value, maxDepth);
        into.Clear();
        var result = scanner.Run(order, into);
        position = scanner.at;
        return result;
    }

    private ScanResult Run(FieldOrder order, JsonEvent into)
    {
        SkipSpace();
        if (at == end)
            return ScanResult.InvalidJson;
        var isObject = Peek() == '{';
        if (isObject ? Members(order, into) : Value(0, out _))
        {
            SkipSpace();
            if (at == end)
                return isObject ? ScanResult.Event : ScanResult.NotAnObject;
        }
        return tooDeep ? ScanResult.TooDeep : ScanResult.InvalidJson;
    }

    private bool Members(FieldOrder order, JsonEvent into)
    {
        at++;
        SkipSpace();
        if (Peek() == '}')
        {
            at++;
            return true;
        }
        for (var last = -1; ;)
        {
            var slot = order.Expected(last, out var quoted);
            if (StartsWith(quoted))
            {
                at += quoted.Length;
                SkipSpace();
                if (!Value(1, out var value))
                    return false;
                into.Set(last = slot, value);
            }
            else if (!Member(order, into, ref last))
                return false;
            SkipSpace();
            switch (Peek())
            {
                case (byte)',':
                    at++;
                    SkipSpace();
                    continue;
                case (byte)'}':
                    at++;
                    return true;
                default:
                    return false;
            }
        }
    }

    /// <summary>A member whose name was not foreseen.</summary>
    private bool Member(FieldOrder order, JsonEvent into, ref int last)
    {
        if (Peek() != '"' || !String(out var name))
            return false;
        SkipSpace();
        if (Peek() != ':')
            return false;
        at++;
        SkipSpace();
        var start = at;
        if (!Value(1, out var value))
            return false;
        var slot = name.Kind == JsonKind.String ? order.Find(last, Slice(name)) : order.FindEscaped(Slice(name));
        if (slot >= 0)
            into.Set(last = slot, value);
        else
            into.Unknown.Add(new UnknownMember(name.Start, name.Length, name.Kind == JsonKind.Escaped, start, at - start));
        return true;
    }

    /// <summary>Any value; <paramref name="depth"/> is how many objects and arrays are open around it.</summary>
    private bool Value(int depth, out JsonSlice slice)
    {
        slice = default;
        slice.Start = at;
        switch (Peek())
        {
            case (byte)'"':
                return String(out slice);
            case (byte)'-' or >= (byte)'0' and <= (byte)'9':
                slice.Kind = JsonKind.Number;
                var ok = Number();
                slice.Length = at - slice.Start;
                return ok;
            case (byte)'n':
                slice.Kind = JsonKind.Null;
                return Literal("null"u8, ref slice);
            case (byte)'t':
                slice.Kind = JsonKind.True;
                return Literal("true"u8, ref slice);
            case (byte)'f':
                slice.Kind = JsonKind.False;
                return Literal("false"u8, ref slice);
            case (byte)'{' or (byte)'[':
                slice.Kind = Peek() == '{' ? JsonKind.Object : JsonKind.Array;
                ok = Nested(depth);
                slice.Length = at - slice.Start;
                return ok;
            default:
                return false;
        }
    }

    /// <summary>Skips an object or array without recursion: one bit a level says which of the two it is.</summary>
    private bool Nested(int depth)
    {
        ulong objects = 0;
        for (var open = 0; ;)
        {
            var c = Peek();
            if (c is (byte)'{' or (byte)'[')
            {
                if (depth + ++open > maxDepth)
                {
                    tooDeep = true;
                    return false;
                }
                objects = objects << 1 | (c == '{' ? 1UL : 0);
                at++;
                SkipSpace();
                if (Peek() != (c == '{' ? '}' : ']'))
                {
                    if (c == '{' && !Name())
                        return false;
                    continue;
                }
            }
            else if (!Scalar())
                return false;
            if (!CloseOrNext(ref objects, ref open))
                return false;
            if (open == 0)
                return true;
        }
    }

    /// <summary>After a value: closes what closes here, then moves to the next value; false when neither is there.</summary>
    private bool CloseOrNext(ref ulong objects, ref int open)
    {
        for (; ; )
        {
            SkipSpace();
            var isObject = (objects & 1) != 0;
            var c = Peek();
            if (c == (isObject ? '}' : ']'))
            {
                at++;
                objects >>= 1;
                if (--open == 0)
                    return true;
                continue;
            }
            if (c != ',')
                return false;
            at++;
            SkipSpace();
            return !isObject || Name();
        }
    }

    private bool Name()
    {
        if (Peek() != '"' || !String(out _))
            return false;
        SkipSpace();
        if (Peek() != ':')
            return false;
        at++;
        SkipSpace();
        return true;
    }

    private bool Scalar()
    {
        JsonSlice slice = default;
        slice.Start = at;
        return Peek() switch
        {
            (byte)'"' => String(out _),
            (byte)'-' or >= (byte)'0' and <= (byte)'9' => Number(),
            (byte)'n' => Literal("null"u8, ref slice),
            (byte)'t' => Literal("true"u8, ref slice),
            (byte)'f' => Literal("false"u8, ref slice),
            _ => false,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool String(out JsonSlice slice)
    {
        slice.Start = ++at;
        slice.Kind = JsonKind.String;
        for (; ; )
        {
            SkipPlain();
            var c = Peek();
            if (c == '"')
                break;
            if (c != '\\' || !Escape())
            {
                slice.Length = 0;
                return false;
            }
            slice.Kind = JsonKind.Escaped;
        }
        slice.Length = at++ - slice.Start;
        return true;
    }

    /// <summary>Moves to the next quote, backslash or control character, or to the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipPlain()
    {
        while (end - at >= Vector128<byte>.Count)
        {
            var bytes = Vector128.LoadUnsafe(ref json, (nuint)at);
            var stops = (Vector128.Equals(bytes, Vector128.Create((byte)'"')) | Vector128.Equals(bytes, Vector128.Create((byte)'\\'))
                | Vector128.LessThan(bytes, Vector128.Create((byte)0x20))).ExtractMostSignificantBits();
            if (stops != 0)
            {
                at += BitOperations.TrailingZeroCount(stops);
                return;
            }
            at += Vector128<byte>.Count;
        }
        while (at < end && Unsafe.Add(ref json, at) is not (byte)'"' and not (byte)'\\' and >= 0x20)
            at++;
    }

    private bool Escape()
    {
        at++;
        switch (Peek())
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                at++;
                return true;
            case (byte)'u':
                at++;
                for (var i = 0; i < 4; i++, at++)
                    if (!char.IsAsciiHexDigit((char)Peek()))
                        return false;
                return true;
            default:
                return false;
        }
    }

    private bool Number()
    {
        if (Peek() == '-')
            at++;
        if (Peek() == '0')
            at++;
        else if (!Digits())
            return false;
        if (Peek() == '.')
        {
            at++;
            if (!Digits())
                return false;
        }
        if (Peek() is (byte)'e' or (byte)'E')
        {
            at++;
            if (Peek() is (byte)'+' or (byte)'-')
                at++;
            if (!Digits())
                return false;
        }
        return true;
    }

    private bool Digits()
    {
        var start = at;
        while (at < end && (uint)(Unsafe.Add(ref json, at) - '0') <= 9)
            at++;
        return at > start;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool StartsWith(ReadOnlySpan<byte> text) =>
        end - at >= text.Length && MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref json, at), text.Length).SequenceEqual(text);

    private bool Literal(ReadOnlySpan<byte> word, ref JsonSlice slice)
    {
        if (!StartsWith(word))
            return false;
        at += word.Length;
        slice.Length = word.Length;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipSpace()
    {
        while (at < end && Unsafe.Add(ref json, at) is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            at++;
    }

    /// <summary>The byte here, 0 at the end (0 is nowhere allowed in JSON).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly byte Peek() => at < end ? Unsafe.Add(ref json, at) : (byte)0;

    private readonly ReadOnlySpan<byte> Slice(JsonSlice slice) =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref json, slice.Start), slice.Length);
}
