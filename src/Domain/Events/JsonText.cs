using System.Globalization;
using System.Text;

namespace Tidemark.Domain.Events;

/// <summary>Strings with escapes, off the hot path.</summary>
internal static class JsonText
{
    private const int MaxNameBytes = 64;

    /// <summary>
    /// Writes the string that a scanned JSON string with escapes stands for into <paramref name="to"/> (at least as long as the source) and returns
    /// its length, or −1 when an escape is half a surrogate pair, which stands for nothing.
    /// </summary>
    public static int Unescape(ReadOnlySpan<byte> escaped, Span<byte> to)
    {
        var length = 0;
        for (var at = 0; at < escaped.Length;)
        {
            if (escaped[at] != '\\')
            {
                to[length++] = escaped[at++];
                continue;
            }
            var c = escaped[at + 1];
            at += 2;
            if (c != 'u')
            {
                to[length++] = c switch { (byte)'b' => 8, (byte)'f' => 12, (byte)'n' => 10, (byte)'r' => 13, (byte)'t' => 9, _ => c };
                continue;
            }
            int code = Hex(escaped.Slice(at, 4));
            at += 4;
            if (char.IsHighSurrogate((char)code))
            {
                if (escaped.Length - at < 6 || escaped[at] != '\\' || escaped[at + 1] != 'u' || Hex(escaped.Slice(at + 2, 4)) is var low && !char.IsLowSurrogate(low))
                    return -1;
                code = char.ConvertToUtf32((char)code, low);
                at += 6;
            }
            if (!Rune.IsValid(code))
                return -1;
            length += new Rune(code).EncodeToUtf8(to[length..]);
        }
        return length;
    }

    /// <summary>The slot of a name with escapes, or −1.</summary>
    public static int FindEscaped(FieldNames names, ReadOnlySpan<byte> escaped)
    {
        if (escaped.Length > MaxNameBytes * 6)
            return -1;
        Span<byte> name = stackalloc byte[MaxNameBytes * 6];
        return Unescape(escaped, name) is var length and >= 0 ? names.Find(name[..length]) : -1;
    }

    private static char Hex(ReadOnlySpan<byte> digits) => (char)ushort.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
