using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Tidemark.Functions.Tables;

/// <summary>
/// Text as part of a partition or row key. Table storage refuses <c>/ \ # ?</c> and control characters, and a key that is long. Every character
/// other than letters, digits and <c>- _ . : = , ~ @ $ ( ) + *</c> and blank is written as <c>!</c> and four hexadecimal digits, so that the form is
/// reversible, distinct values have distinct keys, and <c>|</c> is free to separate parts.
/// </summary>
internal static class TableKeys
{
    /// <summary>Longest escaped text kept whole; beyond it a digest stands for the rest (such a key cannot be turned back).</summary>
    public const int LongestText = 400;

    // !h and 16 bytes.
    private const int DigestLength = 34;
    private const string Plain = "-_.:=,~@$()+* ";

    /// <summary>The escaped form.</summary>
    public static string Escape(string text) => EscapeWithin(text, LongestText);

    /// <summary>The escaped form in at most so many characters; beyond them a digest stands for the rest.</summary>
    public static string EscapeWithin(string text, int longest)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (char.IsAsciiLetterOrDigit(c) || (c > '\u00FF' && char.IsLetterOrDigit(c)) || Plain.Contains(c))
                result.Append(c);
            else
                result.Append('!').Append(((int)c).ToString("X4", CultureInfo.InvariantCulture));
        }

        return result.Length <= longest ? result.ToString() : Shorten(result.ToString(), text, longest);
    }

    /// <summary>The text that <see cref="Escape"/> was given; throws <see cref="FormatException"/> for what it cannot have made.</summary>
    public static string Unescape(string key)
    {
        if (!key.Contains('!'))
            return key;
        var result = new StringBuilder(key.Length);
        for (var i = 0; i < key.Length; i++)
        {
            if (key[i] != '!')
                result.Append(key[i]);
            else if (i + 4 < key.Length && ushort.TryParse(key.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                (_, i) = (result.Append((char)code), i + 4);
            else
                throw new FormatException($"'{key}' is no escaped key: '!' at {i} is not followed by four hexadecimal digits.");
        }

        return result.ToString();
    }

    /// <summary>A non-negative number whose text sorts as the number does.</summary>
    public static string Sortable(long number) => number.ToString("D20", CultureInfo.InvariantCulture);

    /// <summary>A key made of escaped parts, cut where it is too long; a digest of all of it stands for the rest.</summary>
    public static string Fit(string key, int longest) => key.Length <= longest ? key : Shorten(key, key, longest);

    /// <summary>What is left of the beginning of a key by <see cref="Fit"/>, whatever follows.</summary>
    public static string FitPrefix(string prefix, int longest) => prefix.Length <= longest - DigestLength ? prefix : prefix[..(longest - DigestLength)];

    private static string Shorten(string escaped, string text, int longest)
    {
        var digest = SHA256.HashData(MemoryMarshalBytes(text));
        return string.Concat(escaped.AsSpan(0, longest - DigestLength), "!h", Convert.ToHexString(digest, 0, 16));
    }

    private static ReadOnlySpan<byte> MemoryMarshalBytes(string text) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(text.AsSpan());
}
