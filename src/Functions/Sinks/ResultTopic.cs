using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Confluent.Kafka;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Sinks;

/// <summary>
/// Result rows of one query or stream as records of a Kafka topic: key the group, value the row as JSON with <c>is_final</c>, headers
/// <c>tidemark-id</c> (the same for a repeat, another for every other content), <c>tidemark-query</c> and <c>is_final</c>.
/// </summary>
internal sealed class ResultTopic(TopicWriter writer, PipelineId id, IOutput output, IReadOnlyList<string> keys, bool provisional) : IRowSink
{
    // Letters of every language as they are, also in JSON text that a column holds.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly int[] _keys = [.. keys.Select(output.Schema.IndexOf)];
    private readonly byte[] _query = Encoding.UTF8.GetBytes(output.Name);

    /// <inheritdoc/>
    public string Name => $"{output.Name}>{writer.Topic}";

    /// <inheritdoc/>
    public string Table => TableNames.Gold(output.Name);

    /// <inheritdoc/>
    public bool Provisional => provisional;

    /// <inheritdoc/>
    public Task DeliverAsync(RowBatch rows, bool final, CancellationToken cancel) => writer.WriteAsync(rows.Count, row => Record(rows, row, final), cancel);

    private Message<byte[]?, byte[]?> Record(RowBatch rows, int row, bool final)
    {
        var value = Value(rows, row, final);
        var identity = string.Create(CultureInfo.InvariantCulture, $"{id}/{output.Name}/{ResultKeys.Row(output, rows, row)}/{Hash64.Of(value):x16}");
        return new Message<byte[]?, byte[]?>
        {
            Key = Encoding.UTF8.GetBytes(string.Join('|', _keys.Select(key => Cell.KeyText(rows, key, row) ?? ""))),
            Value = value,
            Headers = new Headers
            {
                { TopicWriter.Identity, Encoding.UTF8.GetBytes(identity) }, { "tidemark-query", _query }, { "is_final", final ? "true"u8.ToArray() : "false"u8.ToArray() },
            },
        };
    }

    /// <summary>The row as JSON: equal rows give equal bytes, wherever they come from.</summary>
    private static byte[] Value(RowBatch rows, int row, bool final)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Options))
        {
            json.WriteStartObject();
            for (var column = 0; column < rows.Columns.Count; column++)
            {
                var field = rows.Schema.Fields[column];
                json.WritePropertyName(field.Name);
                var value = Cell.Value(rows, column, row);
                if (field.Type == FieldType.Decimal && value is string digits)
                    json.WriteRawValue(digits);
                else
                    RowJson.Value(json, value);
            }

            json.WriteBoolean("is_final", final);
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }
}
