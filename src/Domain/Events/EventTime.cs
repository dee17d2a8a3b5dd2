using System.Runtime.InteropServices;

namespace Tidemark.Domain.Events;

/// <summary>Event times from text, in microseconds since 1970 UTC. Remembers the last day, which most events share. Not thread-safe.</summary>
internal sealed class EventTime
{
    /// <summary>One day in microseconds.</summary>
    public const long Day = 86_400_000_000;

    /// <summary>First microsecond after year 9999.</summary>
    public const long End = 253_402_300_800_000_000;

    private ulong lastStart;
    private ushort lastEnd;
    private long lastMicros;

    /// <summary>
    /// Reads ISO 8601: <c>2024-01-15</c> (midnight), <c>2024-01-15T10:30</c>, with seconds, with a fraction (digits beyond microseconds are cut off),
    /// with <c>Z</c>, <c>+02:00</c>, <c>+0200</c>, <c>+02</c> or without a zone, which means UTC. A space may stand for the T.
    /// </summary>
    public bool TryParseIso(ReadOnlySpan<byte> text, out long micros)
    {
        micros = 0;
        if (text.Length < 10)
            return false;
        if (!TryDay(text, out micros))
            return false;
        if (text.Length == 10)
            return true;
        if (text.Length < 16 || text[10] is not (byte)'T' and not (byte)'t' and not (byte)' ' || text[13] != ':')
            return false;
        int hour = Two(text, 11), minute = Two(text, 14), second = 0, at = 16;
        if (text.Length > at && text[at] == ':')
        {
            if (text.Length < 19)
                return false;
            second = Two(text, 17);
            at = 19;
        }
        if (hour is < 0 or > 23 || minute is < 0 or > 59 || second is < 0 or > 59)
            return false;
        micros += ((hour * 60 + minute) * 60 + second) * 1_000_000L;
        if (at == 19 && text.Length > at && text[at] == '.' && !TryFraction(text, ref at, ref micros))
            return false;
        return TryZone(text[at..], ref micros);
    }

    private bool TryDay(ReadOnlySpan<byte> text, out long micros)
    {
        var (start, end) = (MemoryMarshal.Read<ulong>(text), MemoryMarshal.Read<ushort>(text[8..]));
        micros = lastMicros;
        if (start == lastStart && end == lastEnd)
            return true;
        int year = Two(text, 0) * 100 + Two(text, 2), month = Two(text, 5), day = Two(text, 8);
        if (text[4] != '-' || text[7] != '-' || Two(text, 0) < 0 || Two(text, 2) < 0 || month is < 1 or > 12 || day < 1 || day > DaysIn(year, month))
            return false;
        micros = DaysSinceEpoch(year, month, day) * Day;
        (lastStart, lastEnd, lastMicros) = (start, end, micros);
        return true;
    }

    private static bool TryFraction(ReadOnlySpan<byte> text, ref int at, ref long micros)
    {
        var start = ++at;
        var unit = 100_000;
        for (; at < text.Length && (uint)(text[at] - '0') is var digit and <= 9; at++, unit /= 10)
            micros += digit * unit;
        return at > start;
    }

    private static bool TryZone(ReadOnlySpan<byte> zone, ref long micros)
    {
        if (zone.Length == 0 || zone.Length == 1 && (zone[0] | 0x20) == 'z')
            return true;
        if (zone.Length is not 3 and not 5 and not 6 || zone[0] is not (byte)'+' and not (byte)'-' || zone.Length == 6 && zone[3] != ':')
            return false;
        int hours = Two(zone, 1), minutes = zone.Length == 3 ? 0 : Two(zone, zone.Length - 2);
        if (hours is < 0 or > 18 || minutes is < 0 or > 59)
            return false;
        var offset = (hours * 60 + minutes) * 60_000_000L;
        micros -= zone[0] == '+' ? offset : -offset;
        return true;
    }

    /// <summary>Two digits, or a number far below zero.</summary>
    private static int Two(ReadOnlySpan<byte> text, int at)
    {
        uint tens = (uint)(text[at] - '0'), ones = (uint)(text[at + 1] - '0');
        return tens <= 9 && ones <= 9 ? (int)(tens * 10 + ones) : -10_000;
    }

    private static int DaysIn(int year, int month) =>
        month == 2 ? year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 : month is 4 or 6 or 9 or 11 ? 30 : 31;

    /// <summary>Days since 1970-01-01 in the Gregorian calendar; years begin in March here, so that the leap day is the last.</summary>
    private static long DaysSinceEpoch(int year, int month, int day)
    {
        var y = month > 2 ? year : year - 1;
        var dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        var century = (y >= 0 ? y : y - 399) / 400;
        var yearOfEra = y - century * 400;
        return century * 146_097L + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468;
    }
}
