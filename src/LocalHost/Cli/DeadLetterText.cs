using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Tidemark.Functions.Replay;

namespace Tidemark.LocalHost.Cli;

/// <summary>Quarantined records as lines and as JSON.</summary>
internal static class DeadLetterText
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Id, time, reason, detail, and whether it was sent again.</summary>
    public static string Line(QuarantinedRecord record, ReplayRow? replay) => string.Create(CultureInfo.InvariantCulture,
        $"{record.Partition}/{record.Offset}  {record.KafkaTime:yyyy-MM-ddTHH:mm:ss.fffZ}  {record.Reason}  {OneLine(record.Detail)}{(replay is null ? "" : replay.SentAs is { } sent ? $"  (sent again as {replay.Partition}/{sent})" : "  (a replay was broken off)")}");

    /// <summary>All of it; bytes as text where they are UTF-8, else base64 under the name with <c>_base64</c>.</summary>
    public static string Json(QuarantinedRecord record, ReplayRow? replay)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Options))
        {
            json.WriteStartObject();
            json.WriteString("id", string.Create(CultureInfo.InvariantCulture, $"{record.Partition}/{record.Offset}"));
            json.WriteString("topic", record.Topic);
            json.WriteNumber("partition", record.Partition);
            json.WriteNumber("offset", record.Offset);
            json.WriteString("time", record.KafkaTime);
            json.WriteString("reason", record.Reason);
            json.WriteString("detail", record.Detail);
            Bytes(json, "key", record.Key);
            Bytes(json, "value", record.Value);
            json.WriteStartArray("headers");
            foreach (var (name, value) in record.Headers)
            {
                json.WriteStartObject();
                json.WriteString("key", name);
                Bytes(json, "value", value);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (replay is null)
                json.WriteNull("replay");
            else
                Replay(json, replay);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static void Replay(Utf8JsonWriter json, ReplayRow replay)
    {
        json.WriteStartObject("replay");
        json.WriteString("claimed_at", replay.ClaimedAt);
        if (replay.SentAs is { } sent)
            json.WriteNumber("sent_as", sent);
        else
            json.WriteNull("sent_as");
        json.WriteEndObject();
    }

    private static void Bytes(Utf8JsonWriter json, string name, byte[]? value)
    {
        if (value is null)
            json.WriteNull(name);
        else if (Utf8.IsValid(value))
            json.WriteString(name, value);
        else
            json.WriteBase64String(name + "_base64", value);
    }

    private static string OneLine(string text) => text.Replace('\n', ' ').Replace('\r', ' ');
}
