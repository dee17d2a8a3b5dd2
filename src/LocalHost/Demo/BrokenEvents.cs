using System.Text;
using System.Text.Json;

namespace Tidemark.LocalHost.Demo;

/// <summary>The ways in which a record of the demo can be broken. From <see cref="Tombstone"/> on, a line of text cannot carry it.</summary>
internal enum Broken
{
    Truncated,
    NotJson,
    NotAnObject,
    NoEventId,
    NoEventType,
    NoTime,
    NoUser,
    WrongTypeOfUser,
    WrongTypeOfPrice,
    ImpossibleTime,
    TimeOutOfRange,
    FarFuture,
    DeepNesting,
    Tombstone,
    InvalidUtf8,
    Huge,
}

/// <summary>Makes a broken record out of a good event. Huge ones are a hundred times rarer than the others.</summary>
internal sealed class BrokenEvents(ShopEventJson json, SeededRandom random, bool binary)
{
    /// <summary>Size of a huge value: as much as a broker with default settings takes, less the overhead of a record.</summary>
    public const int HugeBytes = 980_000;

    private const int Depth = 600;
    private const int TextKinds = (int)Broken.Tombstone;

    private static readonly string Nested = string.Concat(Enumerable.Repeat("[", Depth)) + string.Concat(Enumerable.Repeat("]", Depth));

    /// <summary>The next broken value; null for a tombstone.</summary>
    public byte[]? Next(in ShopEvent item)
    {
        var kind = (Broken)random.Below(binary ? TextKinds + 2 : TextKinds);
        if (binary && random.Chance(0.0007))
            kind = Broken.Huge;
        return Make(kind, item);
    }

    /// <summary>A value that is broken in this way.</summary>
    public byte[]? Make(Broken kind, ShopEvent item) => kind switch
    {
        Broken.Truncated => Cut(json.Write(item), 4 + random.Below(30)),
        Broken.NotJson => Encoding.UTF8.GetBytes($"purchase by {item.Customer.Id} of nothing, session {item.Session}"),
        Broken.NotAnObject => Encoding.UTF8.GetBytes($"[\"{item.Id}\",\"{item.Action}\",{item.TimeMs}]"),
        Broken.NoEventId => json.Write(item, Omitted.EventId),
        Broken.NoEventType => json.Write(item, Omitted.EventType),
        Broken.NoTime => json.Write(item, Omitted.Time),
        Broken.NoUser => json.Write(item, Omitted.UserId),
        Broken.WrongTypeOfUser => json.Write(item, Omitted.UserId, w =>
        {
            w.WriteStartObject("user_id");
            w.WriteString("name", item.Customer.Id);
            w.WriteEndObject();
        }),
        Broken.WrongTypeOfPrice => json.Write(item with { Product = null }, Omitted.Nothing, w => w.WriteString("price", "call us")),
        Broken.ImpossibleTime => json.Write(item, Omitted.Time, w => w.WriteString("timestamp", "2026-02-30T25:61:00Z")),
        Broken.TimeOutOfRange => json.Write(item, Omitted.Time, w => w.WriteNumber("ts", 9_000_000_000_000_000_000)),
        Broken.FarFuture => json.Write(item with { TimeMs = item.TimeMs + 3_652L * 86_400_000 }),
        Broken.DeepNesting => json.Write(item, Omitted.Nothing, w =>
        {
            w.WritePropertyName("nested");
            w.WriteRawValue(Nested, skipInputValidation: true);
        }),
        Broken.Tombstone => null,
        Broken.InvalidUtf8 => Spoil(json.Write(item)),
        Broken.Huge => json.Write(item, Omitted.Nothing, w => w.WriteString("note", new string('x', HugeBytes))),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind of broken record."),
    };

    /// <summary>Takes bytes from the end, never half a character.</summary>
    private static byte[] Cut(byte[] value, int bytes)
    {
        var length = value.Length - bytes;
        while ((value[length] & 0xC0) == 0x80)
            length--;
        return value[..length];
    }

    /// <summary>Puts a byte that never occurs in UTF-8 into the event id.</summary>
    private static byte[] Spoil(byte[] value)
    {
        var at = value.AsSpan().IndexOf(":\""u8) + 3;
        value[at] = 0xFF;
        return value;
    }
}
