using System.Globalization;
using System.Text;

namespace Tidemark.Domain.Tests.Events;

/// <summary>Random event records, from clean ones to garbage, from a seed.</summary>
internal sealed class MessyEvents(Random random)
{
    private static readonly string[] Names =
    [
        "event_id", "_event_id", "event_type", "action", "timestamp", "_event_time", "ts", "user_id", "session_id", "product_id", "product_name",
        "category", "price", "quantity", "revenue", "amount", "device_type", "country", "page", "element", "campaign", "x", "a much longer unknown name", "",
    ];

    private static readonly string[] Numbers =
    [
        "0", "-0", "1", "2.55", "-3.5", "19.99999", "0.00005", "-0.00005", "0.00004999", "15.299999999999999", "1e3", "1.5E-2", "1E+2", "12345678901234.5678",
        "99999999999999.9999", "99999999999999.99995", "100000000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e400",
        "1e-400", "6.0", "6.5", "123456789012345678901234567890123456789012345.25", "0.000000000000000000000000000000000000000000001",
        "1000000000000000000000000000000000000000000000000000000000e-50", "0e999999999999", "1700000000000", "1700000000000.25", "253402300800000",
    ];

    private static readonly string[] Times =
    [
        "2024-01-15T10:30:00Z", "2024-01-15T10:30:00", "2024-01-15 10:30:00.5", "2024-02-29T23:59:59.999999+02:00", "2023-02-29T00:00:00Z",
        "2024-01-15T10:30:00.123456789Z", "2024-01-15T10:30", "2024-01-15", "1969-12-31T23:59:59Z", "2024-13-01T00:00:00Z", "2024-01-15T24:00:00Z",
        "2024-01-15T10:30:00-0530", "2024-01-15T10:30:00+05", "2024-01-15T10:30:00+19:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00",
        "2024-01-15T10:30:00 Z", "20240115", "yesterday", "", "2024-01-15T10:30:00.", "2024-01-15T10:30:00.Z", "2024-1-15T10:30:00", "2024-01-15T10:30:60Z",
        "2024-01-15t10:30:00z", "2023-11-14T22:13:20Z", "2023-11-14T22:13:20.000001Z", "2024-01-15T10:3x:00",
    ];

    private static readonly string[] Texts =
    [
        "", "a", "view", "purchase", "Zürich", "日本", "tab\\tand \\\"quotes\\\"", "\\u00e9\\ud83d\\ude00", "\\ud800", "half \\udc00 pair", "slash \\/ \\\\",
        "\\u0000", "a rather long text that does not fit into one vector register", "exactly sixteen!", "😀",
    ];

    private static readonly string[] Types = ["page_view", "view", "scroll", "click", "hover", "purchase", "add_to_cart", "Purchase", "viewed", "remove_from_cart"];

    /// <summary>The bytes of a record; null for a tombstone.</summary>
    public byte[]? Next()
    {
        if (random.Next(60) == 0)
            return null;
        var bytes = Encoding.UTF8.GetBytes(random.Next(12) == 0 ? Value(0) : Event());
        return random.Next(6) == 0 ? Damaged(bytes) : bytes;
    }

    private string Event()
    {
        var members = new List<(string, string)>();
        foreach (var name in Names.Where(_ => random.Next(3) > 0).OrderBy(_ => random.Next(4)))
            members.Add((name, random.Next(12) == 0 ? Value(1) : Fitting(name)));
        if (random.Next(5) == 0 && members.Count > 0)
            members.Add((members[random.Next(members.Count)].Item1, Value(1)));
        foreach (var required in new[] { "event_id", "event_type", "user_id" })
            if (random.Next(4) > 0)
                members.Add((required, $"\"{required}{random.Next(9)}\""));
        if (random.Next(4) > 0)
            members.Add(("timestamp", "\"2023-11-14T22:13:20Z\""));
        return $"{Space()}{{{Space()}{string.Join(Space() + "," + Space(), members.Select(m => $"\"{Escaped(m.Item1)}\"{Space()}:{Space()}{m.Item2}"))}{Space()}}}{Space()}";
    }

    private string Fitting(string name) => name switch
    {
        "price" or "quantity" or "revenue" or "amount" => random.Next(6) == 0 ? $"\"{Pick(Numbers)}\"" : random.Next(2) == 0 ? Pick(Numbers) : Digits(),
        "ts" => random.Next(3) == 0 ? $"\"{Pick(Numbers)}\"" : Pick(Numbers),
        "event_type" or "action" when random.Next(2) == 0 => $"\"{Pick(Types)}\"",
        "timestamp" or "_event_time" => random.Next(8) == 0 ? Pick(Numbers) : $"\"{Pick(Times)}\"",
        _ => random.Next(10) == 0 ? Digits() : $"\"{Pick(Texts)}\"",
    };

    private string Value(int depth) => random.Next(depth > 70 ? 7 : 9) switch
    {
        0 => "null",
        1 => "true",
        2 => "false",
        3 => Pick(Numbers),
        4 => Digits(),
        5 => $"\"{Pick(Times)}\"",
        6 => $"\"{Pick(Texts)}\"",
        7 => $"[{Space()}{string.Join(",", Enumerable.Range(0, random.Next(3)).Select(_ => Value(depth + 1) + Space()))}]",
        _ => random.Next(40) == 0
            ? string.Concat(Enumerable.Repeat("[", random.Next(60, 70))) is var open ? open + new string(']', open.Length) : ""
            : $"{{{Space()}{string.Join(",", Enumerable.Range(0, random.Next(3)).Select(_ => $"{Space()}\"{Pick(Texts)}\":{Value(depth + 1)}"))}}}",
    };

    private string Digits() => random.NextInt64(-1000, 100_000_000).ToString(CultureInfo.InvariantCulture);

    // a name may be written with escapes and is still the same name
    private string Escaped(string name) =>
        name.Length > 0 && random.Next(20) == 0 ? $"\\u{(int)name[0]:x4}{name[1..]}" : name;

    private string Space() => random.Next(8) == 0 ? Pick([" ", "\n", "\t\r", "  "]) : "";

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];

    private byte[] Damaged(byte[] bytes)
    {
        if (bytes.Length == 0)
            return bytes;
        var damaged = random.Next(3) == 0 ? bytes[..random.Next(bytes.Length)] : [.. bytes];
        for (var left = random.Next(1, 3); left > 0 && damaged.Length > 0; left--)
            damaged[random.Next(damaged.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)"{}[]\",:\\ 0-.e+"[random.Next(14)];
        return damaged;
    }
}
