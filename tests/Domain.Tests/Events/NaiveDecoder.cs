using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tidemark.Domain.Tests.Events;

/// <summary>The rules of the event schema once more, the slow way: over <see cref="JsonDocument"/>, regular expressions and big integers.</summary>
internal static partial class NaiveDecoder
{
    private static readonly string[][] Texts = [["session_id"], ["product_id"], ["product_name"], ["category"], ["device_type"], ["country"], ["page"], ["element"]];

    /// <summary>Either the reason of quarantine or the columns of silver as text.</summary>
    public static (string? Reason, Dictionary<string, string?>? Row) Decode(byte[]? value, long kafkaTimeMs, long maxFutureMs = 3_600_000)
    {
        if (value is null)
            return ("tombstone", null);
        if (value.Length > 256 * 1024)
            return ("too_large", null);
        try
        {
            new UTF8Encoding(false, true).GetCharCount(value);
        }
        catch (DecoderFallbackException)
        {
            return ("invalid_utf8", null);
        }
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(value, new JsonDocumentOptions { MaxDepth = 64 });
        }
        catch (JsonException fault)
        {
            return (fault.Message.Contains("maximum configured depth") ? "too_deep" : "invalid_json", null);
        }
        using (document)
            return document.RootElement.ValueKind == JsonValueKind.Object ? Fields(document.RootElement, kafkaTimeMs + maxFutureMs) : ("not_an_object", null);
    }

    private static (string? Reason, Dictionary<string, string?>? Row) Fields(JsonElement json, long latestMs)
    {
        var members = new Dictionary<string, JsonElement>();
        foreach (var member in json.EnumerateObject())
            members[NameOf(member)] = member.Value;
        var used = new HashSet<string>();
        var row = new Dictionary<string, string?>();

        if (Required("event_id", true, "event_id", "_event_id") is { } noId)
            return (noId, null);
        if (Required("event_type", false, "event_type", "action") is { } noType)
            return (noType, null);
        row["action_category"] = row["event_type"] switch
        {
            "page_view" or "view" or "scroll" => "engagement",
            "click" or "hover" => "interaction",
            "purchase" or "add_to_cart" => "conversion",
            _ => "other",
        };
        if (Take(skipEmpty: true, "timestamp", "_event_time", "ts") is not { } time)
            return ("missing_event_time", null);
        if (Micros(time) is not { } micros)
            return ("invalid_event_time", null);
        if (micros < 0 || micros >= 253_402_300_800_000_000)
            return ("event_time_out_of_range", null);
        if (micros > (BigInteger)latestMs * 1000)
            return ("event_time_in_future", null);
        row["event_time"] = DateTime.UnixEpoch.AddTicks((long)micros * 10).ToString("yyyy-MM-ddTHH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        row["event_date"] = row["event_time"]![..10];
        if (Required("user_id", true, "user_id") is { } noUser)
            return (noUser, null);
        foreach (var names in Texts)
        {
            var text = Take(false, names);
            row[names[0]] = text is null ? null : Text(text.Value, names[0] is "session_id" or "product_id");
            if (text is not null && row[names[0]] is null)
                return ("invalid_" + names[0], null);
        }
        foreach (var (names, scale) in new[] { (new[] { "price" }, 4), (["quantity"], 0), (["revenue", "amount"], 4) })
        {
            var number = Take(false, names);
            row[names[0]] = number is null ? null : Number(number.Value, scale);
            if (number is not null && row[names[0]] is null)
                return ("invalid_" + names[0], null);
        }
        var known = new HashSet<string>(["event_id", "_event_id", "event_type", "action", "timestamp", "_event_time", "ts", "user_id", "price", "quantity",
            "revenue", "amount", .. Texts.SelectMany(t => t)]);
        var rest = members.Where(m => !used.Contains(m.Key) && !(known.Contains(m.Key) && m.Value.ValueKind == JsonValueKind.Null)).ToArray();
        row["extra"] = rest.Length == 0 ? null : Canonical(rest.Select(m => (m.Key, m.Value.GetRawText())));
        return (null, row);

        JsonElement? Take(bool skipEmpty, params string[] names)
        {
            foreach (var name in names)
                if (members.TryGetValue(name, out var found) && found.ValueKind != JsonValueKind.Null && !(skipEmpty && found.ValueKind == JsonValueKind.String && found.GetRawText() == "\"\""))
                {
                    used.Add(name);
                    return found;
                }
            return null;
        }

        string? Required(string column, bool orWhole, params string[] names)
        {
            if (Take(true, names) is not { } found)
                return "missing_" + column;
            return (row[column] = Text(found, orWhole)) is null ? "invalid_" + column : null;
        }
    }

    /// <summary>A JSON object's members in the order of their names, for comparison.</summary>
    public static string Canonical(IEnumerable<(string Name, string Raw)> members) =>
        string.Join(",", members.OrderBy(m => m.Name, StringComparer.Ordinal).Select(m => $"{JsonSerializer.Serialize(m.Name)}:{m.Raw}"));

    /// <summary>A member's name; one that escapes half a surrogate pair stands for nothing and is taken as written.</summary>
    public static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            var raw = member.ToString();
            return raw[1..raw.IndexOf("\":", StringComparison.Ordinal)];
        }
    }

    private static string? Text(JsonElement value, bool orWhole)
    {
        if (value.ValueKind == JsonValueKind.Number && orWhole && Whole().IsMatch(value.GetRawText()))
            return value.GetRawText();
        if (value.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Number(JsonElement value, int scale)
    {
        if ((value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Text(value, false)) is not { } text || Scaled(text, scale) is not { } scaled)
            return null;
        if (value.ValueKind == JsonValueKind.String && value.GetRawText().Contains('\\'))
            return null;
        var (unscaled, exact) = scaled;
        if (scale == 0)
            return exact && unscaled >= long.MinValue && unscaled <= long.MaxValue ? unscaled.ToString(CultureInfo.InvariantCulture) : null;
        if (BigInteger.Abs(unscaled) >= BigInteger.Pow(10, 18))
            return null;
        var digits = BigInteger.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        return (unscaled < 0 ? "-" : "") + digits[..^scale] + "." + digits[^scale..];
    }

    private static (BigInteger Unscaled, bool Exact)? Scaled(string text, int scale)
    {
        if (JsonNumber().Match(text) is not { Success: true } match)
            return null;
        var fraction = match.Groups[2].Value.TrimStart('.');
        var mantissa = BigInteger.Parse(match.Groups[1].Value.TrimStart('-') + fraction, CultureInfo.InvariantCulture);
        var exponent = match.Groups[3].Value.Length > 1 ? BigInteger.Parse(match.Groups[3].Value[1..].TrimStart('+'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        var shift = exponent - fraction.Length + scale;
        if (mantissa.IsZero)
            return (0, true);
        var (unscaled, exact) = shift >= 0
            ? (mantissa * BigInteger.Pow(10, (int)BigInteger.Min(shift, 200)), true)
            : Divide(mantissa, BigInteger.Pow(10, (int)BigInteger.Min(-shift, 1000)));
        return (text[0] == '-' ? -unscaled : unscaled, exact);
    }

    private static (BigInteger, bool) Divide(BigInteger value, BigInteger by)
    {
        var quotient = BigInteger.DivRem(value, by, out var rest);
        return (rest * 2 >= by ? quotient + 1 : quotient, rest.IsZero);
    }

    private static BigInteger? Micros(JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Text(value, false);
        if (text is null)
            return null;
        if (value.ValueKind == JsonValueKind.String && Iso().Match(text) is { Success: true } iso)
        {
            try
            {
                int Part(int group) => iso.Groups[group].Success ? int.Parse(iso.Groups[group].Value, CultureInfo.InvariantCulture) : 0;
                var time = new DateTime(Part(1), Part(2), Part(3), Part(4), Part(5), Part(6), DateTimeKind.Utc);
                BigInteger micros = (time - DateTime.UnixEpoch).Ticks / 10 + long.Parse(iso.Groups[7].Value.PadRight(6, '0')[..6], CultureInfo.InvariantCulture);
                if (Part(9) > 18 || Part(10) > 59)
                    return null;
                return micros - (iso.Groups[8].Value == "-" ? -1 : 1) * (Part(9) * 60 + Part(10)) * 60_000_000L;
            }
            catch (ArgumentOutOfRangeException)
            {
                return null;
            }
        }
        return Scaled(text, 3)?.Unscaled;
    }

    [GeneratedRegex(@"^-?[0-9]+\z")]
    private static partial Regex Whole();

    [GeneratedRegex(@"^(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex JsonNumber();

    [GeneratedRegex(@"^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?\z")]
    private static partial Regex Iso();
}
