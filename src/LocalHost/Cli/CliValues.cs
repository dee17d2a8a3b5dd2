using System.Globalization;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>Values that several commands take and print.</summary>
internal static class CliValues
{
    /// <summary>A time as ms since 1970; UTC unless it says otherwise. Null for null.</summary>
    public static long? Time(string option, string? text) => text is null ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.ToUnixTimeMilliseconds() : throw new SettingException(
            $"{option} {text} is no time; write it as 2026-03-01T09:30:00Z.");

    /// <summary>ms since 1970 as <c>2026-03-01T09:30:00Z</c>, with a fraction where there is one.</summary>
    public static string Text(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFZ", CultureInfo.InvariantCulture);

    /// <summary>A count and its word.</summary>
    public static string Count(long count, string one) => string.Create(CultureInfo.InvariantCulture, $"{count} {one}{(count == 1 ? "" : "s")}");
}
