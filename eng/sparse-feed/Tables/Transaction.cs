using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Azure.Core;

namespace Azure.Data.Tables;

/// <summary>
/// An entity-group transaction as <c>multipart/mixed</c>: one change set with one HTTP request per action, answered by one HTTP
/// response per action, or by a single one that failed. Source: REST reference, "Performing entity group transactions".
/// </summary>
internal static class Transaction
{
    public static void Write(Request request, Uri endpoint, string table, List<TableTransactionAction> actions)
    {
        var id = Guid.NewGuid().ToString("N");
        var buffer = new ArrayBufferWriter<byte>(1024 * actions.Count);
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        Append(buffer, $"--batch_{id}\r\nContent-Type: multipart/mixed; boundary=changeset_{id}\r\n\r\n");
        var address = endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/";
        foreach (var action in actions)
            Write(buffer, json, action, address, table, id);
        Append(buffer, $"--changeset_{id}--\r\n--batch_{id}--\r\n");
        request.Headers.Add("Content-Type", $"multipart/mixed; boundary=batch_{id}");
        request.Content = RequestContent.Create(buffer.WrittenMemory);
    }

    private static void Write(
        ArrayBufferWriter<byte> buffer, Utf8JsonWriter json, TableTransactionAction action, string address, string table, string id)
    {
        var type = action.ActionType;
        var entity = TableClient.AsTableEntity(action.Entity);
        var method = type switch
        {
            TableTransactionActionType.Add => "POST",
            TableTransactionActionType.Delete => "DELETE",
            TableTransactionActionType.UpdateMerge or TableTransactionActionType.UpsertMerge => "PATCH",
            _ => "PUT",
        };
        var path = type == TableTransactionActionType.Add ? table : Requests.EntityPath(table, entity.PartitionKey, entity.RowKey);
        Append(buffer, $"--changeset_{id}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            + $"{method} {address}{path} HTTP/1.1\r\nAccept: {Requests.MinimalMetadata}\r\nDataServiceVersion: 3.0\r\n");
        if (type == TableTransactionActionType.Add)
            Append(buffer, "Prefer: return-no-content\r\n");
        var update = type is TableTransactionActionType.UpdateMerge or TableTransactionActionType.UpdateReplace;
        if (type == TableTransactionActionType.Delete || (update && action.ETag != default))
            Append(buffer, $"If-Match: {(action.ETag == default ? ETag.All : action.ETag)}\r\n");
        if (type == TableTransactionActionType.Delete)
        {
            Append(buffer, "\r\n");
            return;
        }

        Append(buffer, "Content-Type: application/json\r\n\r\n");
        json.Reset();
        Wire.Write(json, entity);
        json.Flush();
        Append(buffer, "\r\n");
    }

    /// <summary>The parts of the answer in the order of the actions.</summary>
    public static List<Response> Read(Response response)
    {
        var parts = new List<Response>();
        using var text = new StringReader(response.Content.ToString());
        while (text.ReadLine() is { } line)
        {
            if (line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
                parts.Add(ReadPart(text, line, response.ClientRequestId));
        }

        return parts;
    }

    private static Part ReadPart(StringReader text, string statusLine, string clientRequestId)
    {
        var status = statusLine.Split(' ', 3);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (text.ReadLine() is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
                headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        var body = new StringBuilder();
        while (text.Peek() is >= 0 and not '-' && text.ReadLine() is { } line)
            body.AppendLine(line);
        return new Part(
            int.Parse(status[1], CultureInfo.InvariantCulture), status.Length > 2 ? status[2] : "", headers, body.ToString(), clientRequestId);
    }

    private static void Append(ArrayBufferWriter<byte> buffer, string text) => Encoding.UTF8.GetBytes(text, buffer);

    private sealed class Part(int status, string reason, Dictionary<string, string> headers, string body, string clientRequestId) : Response
    {
        public override int Status => status;

        public override string ReasonPhrase => reason;

        public override Stream ContentStream { get; set; } = Readable(Encoding.UTF8.GetBytes(body));

        public override string ClientRequestId { get; set; } = clientRequestId;

        public override void Dispose() => ContentStream?.Dispose();

        // Response.Content wants a buffer that it can look into.
        private static MemoryStream Readable(byte[] bytes) => new(bytes, 0, bytes.Length, writable: false, publiclyVisible: true);

        protected override bool ContainsHeader(string name) => headers.ContainsKey(name);

        protected override IEnumerable<HttpHeader> EnumerateHeaders() => headers.Select(h => new HttpHeader(h.Key, h.Value));

        protected override bool TryGetHeader(string name, out string value) => headers.TryGetValue(name, out value);

        protected override bool TryGetHeaderValues(string name, out IEnumerable<string> values)
        {
            var found = headers.TryGetValue(name, out var value);
            values = found ? [value] : null;
            return found;
        }
    }
}
