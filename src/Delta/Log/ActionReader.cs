using System.Text;
using System.Text.Json;

namespace Tidemark.Delta.Log;

/// <summary>Receives the actions of a commit in order.</summary>
internal interface IActionSink
{
    /// <summary>Whether adds and removes are wanted; if not they are skipped without being parsed.</summary>
    bool WantsFiles { get; }

    void Add(DataFile file, bool dataChange);

    void Remove(Tombstone file);

    void Metadata(Metadata metadata);

    void Protocol(Protocol protocol);

    void Txn(Txn txn);

    void CommitInfo(CommitInfo info);
}

/// <summary>A sink that wants to know which commit the actions come from; those of a checkpoint come before the first one.</summary>
internal interface IVersionedSink : IActionSink
{
    void Begin(long version);
}

/// <summary>Parses commits: JSON objects, one per line. Unknown actions and fields are passed over.</summary>
internal static class ActionReader
{
    public static void Read(ReadOnlySpan<byte> content, string where, IActionSink sink)
    {
        var number = 0;
        var partitions = new PartitionCache();
        while (!content.IsEmpty)
        {
            var end = content.IndexOf((byte)'\n');
            var line = end < 0 ? content : content[..end];
            content = end < 0 ? default : content[(end + 1)..];
            number++;
            line = line.Trim(" \t\r\uFEFF"u8);
            if (line.IsEmpty) continue;
            try
            {
                ReadLine(line, partitions, sink);
            }
            catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
            {
                throw new DeltaFormatException($"Line {number} of {where} is not an action: {wrong.Message}", wrong);
            }
        }
    }

    private static void ReadLine(ReadOnlySpan<byte> line, PartitionCache partitions, IActionSink sink)
    {
        var json = new Utf8JsonReader(line);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject) throw new JsonException("it is no JSON object");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString();
            if (name is "add" or "remove" && !sink.WantsFiles) return;
            json.Read();
            if (json.TokenType == JsonTokenType.Null) continue;
            switch (name)
            {
                case "add": ReadAdd(ref json, line, partitions, sink); break;
                case "remove": ReadRemove(ref json, sink); break;
                case "metaData": sink.Metadata(ReadMetadata(ref json)); break;
                case "protocol": sink.Protocol(ReadProtocol(ref json)); break;
                case "txn": ReadTxn(ref json, sink); break;
                case "commitInfo": sink.CommitInfo(ReadCommitInfo(ref json)); break;
                default: json.Skip(); break;
            }
        }
    }

    private static bool Next(ref Utf8JsonReader json, out string name)
    {
        json.Read();
        name = "";
        if (json.TokenType != JsonTokenType.PropertyName) return false;
        name = json.GetString()!;
        json.Read();
        return true;
    }

    private static void ReadAdd(ref Utf8JsonReader json, ReadOnlySpan<byte> line, PartitionCache partitions, IActionSink sink)
    {
        string? path = null, stats = null;
        long size = 0, modified = 0;
        var dataChange = true;
        Dictionary<string, string?> values = [];
        while (Next(ref json, out var name))
        {
            switch (name)
            {
                case "path": path = json.GetString(); break;
                case "partitionValues": values = partitions.Read(ref json, line); break;
                case "size": size = json.GetInt64(); break;
                case "modificationTime": modified = json.GetInt64(); break;
                case "dataChange": dataChange = json.GetBoolean(); break;
                case "stats" when json.TokenType != JsonTokenType.Null: stats = json.GetString(); break;
                case "deletionVector" when json.TokenType != JsonTokenType.Null: throw DeletionVector(path);
                default: json.Skip(); break;
            }
        }

        if (path is null) throw new JsonException("an add has no path");
        sink.Add(new DataFile(LogPath.Decode(path), size, values, stats, Statistics.RowCount(stats), modified), dataChange);
    }

    private static DeltaUnsupportedException DeletionVector(string? path) =>
        new($"File {path} has a deletion vector, which is not supported here; this library reads tables of reader version 1.");

    private static void ReadRemove(ref Utf8JsonReader json, IActionSink sink)
    {
        string? path = null;
        long deleted = 0;
        long? size = null;
        var dataChange = true;
        Dictionary<string, string?>? values = null;
        while (Next(ref json, out var name))
        {
            switch (name)
            {
                case "path": path = json.GetString(); break;
                case "deletionTimestamp" when json.TokenType == JsonTokenType.Number: deleted = json.GetInt64(); break;
                case "dataChange" when json.TokenType != JsonTokenType.Null: dataChange = json.GetBoolean(); break;
                case "size" when json.TokenType == JsonTokenType.Number: size = json.GetInt64(); break;
                case "partitionValues" when json.TokenType != JsonTokenType.Null: values = ReadStrings(ref json); break;
                case "deletionVector" when json.TokenType != JsonTokenType.Null: throw DeletionVector(path);
                default: json.Skip(); break;
            }
        }

        if (path is null) throw new JsonException("a remove has no path");
        sink.Remove(new Tombstone(LogPath.Decode(path), deleted, dataChange, values, size));
    }

    private static Metadata ReadMetadata(ref Utf8JsonReader json)
    {
        string id = "", schema = "";
        string? title = null, description = null;
        List<string> partitions = [];
        Dictionary<string, string> configuration = [];
        long? created = null;
        while (Next(ref json, out var name))
        {
            switch (name)
            {
                case "id": id = json.GetString() ?? ""; break;
                case "name": title = json.GetString(); break;
                case "description": description = json.GetString(); break;
                case "schemaString": schema = json.GetString() ?? ""; break;
                case "partitionColumns": partitions = ReadList(ref json) ?? []; break;
                case "configuration": configuration = ReadStrings(ref json).ToDictionary(c => c.Key, c => c.Value ?? ""); break;
                case "createdTime" when json.TokenType == JsonTokenType.Number: created = json.GetInt64(); break;
                default: json.Skip(); break;
            }
        }

        return new Metadata(id, title, description, schema, partitions, configuration, created);
    }

    private static Protocol ReadProtocol(ref Utf8JsonReader json)
    {
        int reader = 1, writer = 2;
        List<string>? readerFeatures = null, writerFeatures = null;
        while (Next(ref json, out var name))
        {
            switch (name)
            {
                case "minReaderVersion": reader = json.GetInt32(); break;
                case "minWriterVersion": writer = json.GetInt32(); break;
                case "readerFeatures": readerFeatures = ReadList(ref json); break;
                case "writerFeatures": writerFeatures = ReadList(ref json); break;
                default: json.Skip(); break;
            }
        }

        return new Protocol(reader, writer, readerFeatures, writerFeatures);
    }

    private static void ReadTxn(ref Utf8JsonReader json, IActionSink sink)
    {
        string? app = null;
        long version = 0;
        long? updated = null;
        while (Next(ref json, out var name))
        {
            switch (name)
            {
                case "appId": app = json.GetString(); break;
                case "version": version = json.GetInt64(); break;
                case "lastUpdated" when json.TokenType == JsonTokenType.Number: updated = json.GetInt64(); break;
                default: json.Skip(); break;
            }
        }

        if (app is null) throw new JsonException("a txn has no appId");
        sink.Txn(new Txn(app, version, updated));
    }

    private static CommitInfo ReadCommitInfo(ref Utf8JsonReader json)
    {
        using var document = JsonDocument.ParseValue(ref json);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object) return new CommitInfo(null, null, null, root.GetRawText());
        return new CommitInfo(
            root.TryGetProperty("timestamp", out var time) && time.ValueKind == JsonValueKind.Number && time.TryGetInt64(out var ms) ? ms : null,
            Text(root, "operation"), Text(root, "txnId"), root.GetRawText());
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static List<string>? ReadList(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.Null) return null;
        var list = new List<string>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray) list.Add(json.GetString()!);
        return list;
    }

    private static Dictionary<string, string?> ReadStrings(ref Utf8JsonReader json)
    {
        var values = new Dictionary<string, string?>();
        if (json.TokenType != JsonTokenType.StartObject) return values;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var key = json.GetString()!;
            json.Read();
            values[key] = json.TokenType switch
            {
                JsonTokenType.Null => null,
                JsonTokenType.String => json.GetString(),
                JsonTokenType.StartObject or JsonTokenType.StartArray => throw new JsonException($"'{key}' is not a string"),
                _ => Encoding.UTF8.GetString(json.ValueSpan),
            };
        }

        return values;
    }

    /// <summary>Files of one commit mostly share their partition values, and then one dictionary too.</summary>
    private sealed class PartitionCache
    {
        private byte[] _raw = [];
        private Dictionary<string, string?> _values = [];

        public Dictionary<string, string?> Read(ref Utf8JsonReader json, ReadOnlySpan<byte> line)
        {
            var from = (int)json.TokenStartIndex;
            var end = json;
            end.Skip();
            var raw = line[from..(int)end.BytesConsumed];
            if (raw.SequenceEqual(_raw))
            {
                json = end;
                return _values;
            }

            _raw = raw.ToArray();
            return _values = ReadStrings(ref json);
        }
    }
}
