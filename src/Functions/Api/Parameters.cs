using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Api;

/// <summary>The parameters that there are.</summary>
internal static partial class Parameters
{
    public const int MostRows = 1000;
    private const int LongestText = 2048;
    private static readonly string[] TimeFormats =
        ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd"];

    public static readonly Parameter<string> Name = Text("name", "Name of a query or stream, as `/api/queries` lists them.", inPath: true);
    public static readonly Parameter<string> User = Text("user", "Id of a user, percent-encoded.", inPath: true);
    public static readonly Parameter<string> Product = Text("product", "Id of a product, percent-encoded.", inPath: true);
    public static readonly Parameter<string> Layer = Text("layer", "Folder of a Delta table: `bronze`, `silver` or `gold`.", inPath: true);
    public static readonly Parameter<string> Table = Text("name", "Name of a Delta table in its folder.", inPath: true);
    public static readonly Parameter<DateTimeOffset> From = Time("from", "Only rows of this time or later.");
    public static readonly Parameter<DateTimeOffset> To = Time("to", "Only rows before this time.");
    public static readonly Parameter<DateTimeOffset> Since = Time("since", "Only alerts of this time or later.");
    public static readonly Parameter<KeyFilter> Key = new(
        "key", "Only rows with this key, as `column:value`; the column alone asks for rows where it is null. Several must all hold.",
        Schema("string", ("pattern", @"^[a-z0-9_]+(:[\s\S]*)?$")), KeyFilter.Read) { Repeats = true };
    public static readonly Parameter<int> Limit = Number("limit", "How many at most.", 1, MostRows, 100);
    public static readonly Parameter<int> Best = Number("limit", "How many at most.", 1, 50, 10);
    public static readonly Parameter<string> Format = Choice("format", "`csv` or `json`; without it the header `Accept` decides.", "json", "csv");
    public static readonly Parameter<string> Source = Choice("source", "Where to read; without it Table storage, or Delta for what is only there.", "table", "delta");
    public static readonly Parameter<string> Continuation = Text("continuation", "What the page before gave: the next page. The other parameters stay the same.");
    public static readonly Parameter<bool> Open = Flag("open", "`true` computes the session that is still open from `silver/events`, which reads files of Delta.");
    public static readonly Parameter<bool> KeepOpen = Flag("keep-open", "`true` leaves windows open that the watermark has not reached, for more input of the same time.");
    public static readonly Parameter<string> Topic = Choice("topic", "Which topic's records; `events` without it.", HostedPipelines.Main, HostedPipelines.Sensors, HostedPipelines.Purchases);
    public static readonly Parameter<string> Severity = Choice("severity", "Only alerts of this severity.", "critical", "error", "warning", "informational");
    public static readonly Parameter<string> Kind = Text("kind", "Only alerts of this kind: `pipeline`, `fraud_alerts`, `traffic_anomalies`, `revenue_anomalies`, and `sensor_alerts` where readings are read.");
    public static readonly Parameter<int> Within = Number("within", "Alerts of purchases in the last so many seconds count.", 60, 90 * 86_400, 86_400);
    public static readonly Parameter<decimal> Amount = new(
        "amount", "Amount of a purchase that was not made yet: it is judged by the user's last purchases.", Schema("number", ("minimum", 0)),
        text => decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount) && amount < 100_000_000_000_000 ? amount : Read<decimal>.Wrong("a number such as 12.50, not below 0"));
    public static readonly Parameter<string> Country = Text("country", "Country that such a purchase comes from, ISO 3166 code or English name.");
    public static readonly Parameter<string> OfUser = Text("user", "Events of this user.");
    public static readonly Parameter<string> OfSession = Text("session", "Events of this session.");

    private static Parameter<string> Text(string name, string description, bool inPath = false) => new(
        name, description, Schema("string", ("minLength", 1), ("maxLength", LongestText)),
        text => text.Length is > 0 and <= LongestText ? text : Read<string>.Wrong($"text of 1 to {LongestText} characters")) { InPath = inPath };

    private static Parameter<string> Choice(string name, string description, params string[] choices) => new(
        name, description, Schema("string", ("enum", new JsonArray([.. choices.Select(c => (JsonNode)c)]))),
        text => choices.Contains(text) ? text : Read<string>.Wrong($"one of {string.Join(", ", choices)}"));

    private static Parameter<bool> Flag(string name, string description) => new(
        name, description, Schema("boolean"), text => text switch { "true" => true, "false" => false, _ => Read<bool>.Wrong("true or false") });

    private static Parameter<int> Number(string name, string description, int least, int most, int otherwise) => new(
        name, description, Schema("integer", ("minimum", least), ("maximum", most), ("default", otherwise)),
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number : Read<int>.Wrong($"a number from {least} to {most}"));

    private static Parameter<DateTimeOffset> Time(string name, string description) => new(
        name, description + " ISO 8601; without a zone it is UTC.", Schema("string", ("format", "date-time")),
        // A plus that was not percent-encoded comes as a blank.
        text => DateTimeOffset.TryParseExact(LostPlus().Replace(text, "$1+$2"), TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime() : Read<DateTimeOffset>.Wrong("a time such as 2026-01-31T08:00:00Z or 2026-01-31T10:00:00+02:00"));

    private static JsonObject Schema(string type, params (string Name, JsonNode Value)[] more)
    {
        var schema = new JsonObject { ["type"] = type };
        foreach (var (name, value) in more)
            schema[name] = value;
        return schema;
    }

    [GeneratedRegex(@"^(\d{4}-\d\d-\d\dT[\d:.]+) (\d\d:\d\d)$")]
    private static partial Regex LostPlus();
}

/// <summary>Rows whose column has this value; null = none.</summary>
internal readonly record struct KeyFilter(string Column, string? Value)
{
    public static Read<KeyFilter> Read(string text)
    {
        var colon = text.IndexOf(':');
        var column = colon < 0 ? text : text[..colon];
        return column.Length > 0 && column.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
            ? new KeyFilter(column, colon < 0 ? null : text[(colon + 1)..])
            : Read<KeyFilter>.Wrong("column:value, such as country:DE");
    }
}
