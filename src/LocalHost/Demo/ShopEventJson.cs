using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tidemark.LocalHost.Demo;

/// <summary>Writes events as the shop's programs would, each in its own form (<see cref="Client"/>). One buffer, reused; not thread-safe.</summary>
internal sealed class ShopEventJson
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly Utf8JsonWriter _escaping;
    private readonly Utf8JsonWriter _plain;

    public ShopEventJson()
    {
        _escaping = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true });
        _plain = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    /// <summary>The event as JSON. <paramref name="more"/> may add broken or odd fields at the end.</summary>
    public byte[] Write(in ShopEvent item, Omitted omitted = Omitted.Nothing, Action<Utf8JsonWriter>? more = null)
    {
        _buffer.ResetWrittenCount();
        // Half of the programs escape what is not ASCII, the others send it as it is.
        var json = item.Customer.Client is Client.Web or Client.Partner ? _plain : _escaping;
        json.Reset(_buffer);
        json.WriteStartObject();
        WriteIdentity(json, item, omitted);
        WriteProduct(json, item);
        WriteContext(json, item);
        more?.Invoke(json);
        json.WriteEndObject();
        json.Flush();
        return _buffer.WrittenSpan.ToArray();
    }

    private static void WriteIdentity(Utf8JsonWriter json, in ShopEvent item, Omitted omitted)
    {
        if (omitted != Omitted.EventId)
            json.WriteString(Names.EventId, item.Id);
        if (omitted != Omitted.EventType)
            json.WriteString(item.Customer.Client is Client.App or Client.Kiosk ? Names.Action : Names.EventType, item.Action);
        if (omitted != Omitted.Time)
            WriteTime(json, item);
        if (omitted != Omitted.UserId)
            json.WriteString(Names.UserId, item.Customer.Id);
        json.WriteString(Names.SessionId, item.Session);
    }

    private static void WriteTime(Utf8JsonWriter json, in ShopEvent item)
    {
        Span<byte> text = stackalloc byte[32];
        var time = DateTimeOffset.FromUnixTimeMilliseconds(item.TimeMs);
        switch (item.Customer.Client)
        {
            case Client.App:
                json.WriteNumber(Names.Ts, item.TimeMs);
                return;
            case Client.Partner:
                time.ToOffset(TimeSpan.FromHours(2)).TryFormat(text, out var offsetLength, "yyyy-MM-dd'T'HH:mm:ss.fffzzz");
                json.WriteString(Names.UnderscoreEventTime, text[..offsetLength]);
                return;
            case Client.Kiosk:
                time.TryFormat(text, out var bareLength, "yyyy-MM-dd'T'HH:mm:ss.fff");
                json.WriteString(Names.Timestamp, text[..bareLength]);
                return;
            default:
                time.TryFormat(text, out var zuluLength, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'");
                json.WriteString(Names.Timestamp, text[..zuluLength]);
                return;
        }
    }

    private static void WriteProduct(Utf8JsonWriter json, in ShopEvent item)
    {
        if (item.Product is { } product)
        {
            json.WriteString(Names.ProductId, product.Id);
            json.WriteString(Names.ProductName, product.Name);
            json.WriteNumber(Names.Price, Money(product.PriceCents));
            if (item.Action == Actions.Purchase)
                json.WriteNumber(item.Customer.Client is Client.App or Client.Partner ? Names.Amount : Names.Revenue, Money(product.PriceCents * item.Quantity));
        }
        if (item.Category is { } category)
            json.WriteString(Names.Category, category);
        if (item.Quantity > 0)
            json.WriteNumber(Names.Quantity, item.Quantity);
    }

    private static void WriteContext(Utf8JsonWriter json, in ShopEvent item)
    {
        if (item.Customer.Device is { } device)
            json.WriteString(Names.DeviceType, device);
        if (item.Customer.Country is { } country)
            json.WriteString(Names.Country, country);
        else if (item.Extras)
            json.WriteNull(Names.Country);
        if (item.Page is { } page)
            json.WriteString(Names.Page, page);
        if (item.Element is { } element)
            json.WriteString(Names.Element, element);
        if (!item.Extras)
            return;
        json.WriteString(Names.AppVersion, "4.2.1");
        json.WriteStartObject(Names.Campaign);
        json.WriteString(Names.Source, "newsletter");
        json.WriteNumber(Names.Step, 3);
        json.WriteEndObject();
    }

    private static decimal Money(long cents) => new((int)cents, (int)(cents >> 32), 0, false, 2);

    private static class Names
    {
        public static readonly JsonEncodedText EventId = Of("event_id"), EventType = Of("event_type"), Action = Of("action"),
            Timestamp = Of("timestamp"), Ts = Of("ts"), UnderscoreEventTime = Of("_event_time"), UserId = Of("user_id"),
            SessionId = Of("session_id"), ProductId = Of("product_id"), ProductName = Of("product_name"), Category = Of("category"),
            Price = Of("price"), Quantity = Of("quantity"), Revenue = Of("revenue"), Amount = Of("amount"), DeviceType = Of("device_type"),
            Country = Of("country"), Page = Of("page"), Element = Of("element"), AppVersion = Of("app_version"), Campaign = Of("campaign"),
            Source = Of("source"), Step = Of("step");

        private static JsonEncodedText Of(string name) => JsonEncodedText.Encode(name);
    }
}
