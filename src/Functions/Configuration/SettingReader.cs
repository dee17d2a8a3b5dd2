using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Tidemark.Functions.Configuration;

/// <summary>Reads settings one by one; each failure is an <see cref="InvalidSettingException"/>. The default of a setting is the one in <see cref="Settings.All"/>.</summary>
internal sealed class SettingReader(IConfiguration configuration)
{
    private static readonly Dictionary<string, Setting> Known = Settings.All.ToDictionary(s => s.Name, StringComparer.Ordinal);

    /// <summary>The value as text, or null when it is empty or not set.</summary>
    public string? Optional(string name) => configuration[name] is { } value && value.Trim() is { Length: > 0 } text ? text : null;

    /// <summary>The value, or the default.</summary>
    public string Text(string name) => Optional(name) ?? (Known[name].Default is var text && text != "required"
        ? text
        : throw new InvalidSettingException(name, $"is missing; set it to {Known[name].Range}."));

    /// <summary>Text of a given form.</summary>
    public string Text(string name, Regex form) => Text(name) is var text && form.IsMatch(text) ? text : throw Wrong(name, text);

    /// <summary>A member of an enumeration, any case.</summary>
    public T Choice<T>(string name, T? otherwise = null)
        where T : struct, Enum
    {
        if (Optional(name) is null && otherwise is { } value)
            return value;
        var text = Text(name);
        // SASL_SSL and Scram-Sha-256, as Kafka spells them, are understood too; digits would be taken for members by number.
        var word = text.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
        return char.IsAsciiLetter(text[0]) && Enum.TryParse<T>(word, ignoreCase: true, out var choice) ? choice : throw Wrong(name, text);
    }

    /// <summary>A whole number within bounds.</summary>
    public int Number(string name, int least, int most) =>
        int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Wrong(name, Text(name));

    /// <summary>A time such as <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c>, <c>1d</c> or <c>00:00:30</c>, within bounds.</summary>
    public TimeSpan Duration(string name, TimeSpan least, TimeSpan most) =>
        TryDuration(Text(name)) is { } time && time >= least && time <= most ? time : throw Wrong(name, Text(name));

    /// <summary>A number of bytes such as <c>65536</c>, <c>256KB</c> or <c>1MB</c> (powers of 1024), within bounds.</summary>
    public int Bytes(string name, int least, int most)
    {
        var text = Text(name).ToUpperInvariant();
        var (digits, unit) = text.EndsWith("KB", StringComparison.Ordinal) ? (text[..^2], 1L << 10) : text.EndsWith("MB", StringComparison.Ordinal) ? (text[..^2], 1L << 20) : (text, 1L);
        return int.TryParse(digits.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number * unit >= least && number * unit <= most
            ? (int)(number * unit)
            : throw Wrong(name, Text(name));
    }

    /// <summary>A time in one of the forms of <see cref="Duration"/>; null when it is none.</summary>
    internal static TimeSpan? TryDuration(string text)
    {
        if (text.Contains(':'))
            return TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var span) ? span : null;
        var digits = text.TrimEnd("smhd".ToCharArray());
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number > 1e9)
            return null;
        return text[digits.Length..] switch
        {
            "ms" => TimeSpan.FromMilliseconds(number),
            "s" => TimeSpan.FromSeconds(number),
            "m" => TimeSpan.FromMinutes(number),
            "h" => TimeSpan.FromHours(number),
            "d" => TimeSpan.FromDays(number),
            _ => null,
        };
    }

    private static InvalidSettingException Wrong(string name, string text) => new(name, Known[name].Secret
        ? $"has a value that cannot be used; it should be {Known[name].Range}."
        : $"is '{text}'; it should be {Known[name].Range}.");
}
