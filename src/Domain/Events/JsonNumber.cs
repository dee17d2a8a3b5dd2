namespace Tidemark.Domain.Events;

/// <summary>Exact decimals from the digits of a JSON number, never by way of a double.</summary>
internal static class JsonNumber
{
    private const int MaxDigits = 36;   // times 100 still fits Int128
    private static readonly Int128[] Powers = PowersOfTen();

    /// <summary>
    /// The number times 10^<paramref name="scale"/>, rounded half away from zero where digits are left over (<paramref name="rounded"/> says so).
    /// What is beyond any column comes out as <see cref="Int128.MaxValue"/> or its negative. False when the text is no JSON number.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, int scale, out Int128 unscaled, out bool rounded)
    {
        rounded = false;
        if (TryParsePlain(text, scale, out var plain))
        {
            unscaled = plain;
            return true;
        }
        return TryParseAny(text, scale, out unscaled, out rounded);
    }

    /// <summary>The usual case: no exponent, no digits left over, and few enough that nothing overflows.</summary>
    private static bool TryParsePlain(ReadOnlySpan<byte> text, int scale, out long unscaled)
    {
        unscaled = 0;
        var at = text.Length > 0 && text[0] == '-' ? 1 : 0;
        var first = at;
        if (text.Length - at is 0 or > 14)
            return false;
        long value = 0;
        for (; at < text.Length && (uint)(text[at] - '0') is var digit and <= 9; at++)
            value = value * 10 + digit;
        if (at == first || text[first] == '0' && at > first + 1)
            return false;
        if (at < text.Length)
        {
            var point = at++;
            if (text[point] != '.' || at == text.Length || text.Length - at > scale)
                return false;
            scale -= text.Length - at;
            for (; at < text.Length; at++)
            {
                if ((uint)(text[at] - '0') > 9)
                    return false;
                value = value * 10 + (text[at] - '0');
            }
        }
        for (; scale > 0; scale--)
            value *= 10;
        unscaled = first == 0 ? value : -value;
        return true;
    }

    private static bool TryParseAny(ReadOnlySpan<byte> text, int scale, out Int128 unscaled, out bool rounded)
    {
        var at = 0;
        var negative = text.Length > 0 && text[0] == '-';
        if (negative)
            at++;
        Mantissa mantissa = default;
        var first = at;
        mantissa.Read(text, ref at, fraction: false);
        var ok = at > first && (text[first] != '0' || at == first + 1);
        if (ok && at < text.Length && text[at] == '.')
        {
            var point = ++at;
            mantissa.Read(text, ref at, fraction: true);
            ok = at > point;
        }
        var exponent = 0;
        if (ok && at < text.Length && (text[at] | 0x20) == 'e')
            ok = TryReadExponent(text, ref at, out exponent);
        (unscaled, rounded) = (0, false);
        if (!ok || at != text.Length)
            return false;
        unscaled = mantissa.Scaled(exponent + scale, ref rounded);
        if (negative)
            unscaled = -unscaled;
        return true;
    }

    private static bool TryReadExponent(ReadOnlySpan<byte> text, ref int at, out int exponent)
    {
        at++;
        var negative = at < text.Length && text[at] == '-';
        if (at < text.Length && text[at] is (byte)'-' or (byte)'+')
            at++;
        var start = at;
        exponent = 0;
        for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++)
            exponent = Math.Min(100_000_000, exponent * 10 + (text[at] - '0'));
        if (negative)
            exponent = -exponent;
        return at > start;
    }

    private struct Mantissa
    {
        private ulong low;        // the first 18 significant digits
        private Int128 all;
        private int digits, exponent;
        private bool cut;

        public void Read(ReadOnlySpan<byte> text, ref int at, bool fraction)
        {
            for (; at < text.Length && (uint)(text[at] - '0') is var digit and <= 9; at++)
            {
                if (digits < 18)
                    low = low * 10 + digit;
                else if (digits < MaxDigits)
                    all = (digits == 18 ? low : all) * 10 + digit;
                else
                {
                    cut |= digit != 0;
                    exponent += fraction ? 0 : 1;
                    continue;
                }
                if (low != 0)
                    digits++;
                exponent -= fraction ? 1 : 0;
            }
        }

        public readonly Int128 Scaled(int shift, ref bool rounded)
        {
            var value = digits <= 18 ? low : all;
            shift += exponent;
            if (value == 0)
                return 0;
            if (shift >= 0)
                return cut || shift + digits > 38 ? Int128.MaxValue : value * Powers[shift];
            if (-shift > 38)
            {
                rounded = true;
                return 0;
            }
            var divisor = Powers[-shift];
            var (quotient, remainder) = Int128.DivRem(value, divisor);
            rounded = cut || remainder != 0;
            return remainder >= divisor - remainder ? quotient + 1 : quotient;
        }
    }

    private static Int128[] PowersOfTen()
    {
        var powers = new Int128[39];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++)
            powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
