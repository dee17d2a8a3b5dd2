using System.Text;
using System.Text.Json;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>Receives the actions of a commit in order.</summary>
internal interface IActionSink
{
    /// <summary>Whether adds and removes are wanted; if not they are skipped without being parsed.</summary>
    bool WantsFiles { get; }

    /// <summary>How the statistics of adds are wanted.</summary>
    StatsForm Stats => StatsForm.Text;

    /// <summary>Between two pieces of a log: the place to wait for a store.</summary>
    ValueTask PauseAsync(CancellationToken ct) => default;

    void Add(DataFile file, bool dataChange);

    /// <summary>An add when <see cref="Stats"/> is <see cref="StatsForm.Bytes"/>; empty where the file has no statistics.</summary>
    void Add(DataFile file, ReadOnlySpan<byte> stats) => Add(file, dataChange: true);

    void Remove(Tombstone file);

    void Metadata(Metadata metadata);

    void Protocol(Protocol protocol);

    void Txn(Txn txn);

    void CommitInfo(CommitInfo info);
}

/// <summary>How a sink takes statistics. They are most of a log, and whoever only passes them on needs no text of each.</summary>
internal enum StatsForm
{
    /// <summary>In the file, with the count of rows.</summary>
    Text,

    /// <summary>As UTF-8 beside the file, which has neither text nor count.</summary>
    Bytes,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>A sink that wants to know which commit the actions come from; those of a checkpoint come before the first one.</summary>
internal interface IVersionedSink : IActionSink
{
    void Begin(long version);
}

/// <summary>Parses a commit: JSON objects, one per line, whole or piece by piece. Unknown actions and fields are passed over.</summary>
/// <param name="where">Which commit it is, for errors.</param>
/// <param name="sink">Receives the actions.</param>
internal sealed class ActionReader(string where, IActionSink sink) : IDisposable
{
    private readonly PartitionCache _partitions = new();
    private readonly ByteSink _stats = new();
    private ByteSink? _begun;
    private int _number;

    public static void Read(ReadOnlySpan<byte> content, string where, IActionSink sink)
    {
        using var reader = new ActionReader(where, sink);
        reader.ReadLines(content);
    }

    /// <summary>The next bytes; a line that they begin waits for its end.</summary>
    public void Feed(ReadOnlySpan<byte> piece)
    {
        if (_begun is { Length: > 0 })
        {
            var end = piece.IndexOf((byte)'\n');
            _begun.Write(end < 0 ? piece : piece[..end]);
            if (end < 0) return;
            ReadLines(_begun.Written);
            _begun.Clear();
            piece = piece[(end + 1)..];
        }

        var last = piece.LastIndexOf((byte)'\n');
        ReadLines(piece[..(last + 1)]);
        (_begun ??= new ByteSink()).Write(piece[(last + 1)..]);
    }

    /// <summary>The commit ends here.</summary>
    public void End() => ReadLines(_begun is null ? default : _begun.Written);

    public void Dispose()
    {
        _begun?.Dispose();
        _stats.Dispose();
    }

    private void ReadLines(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var end = content.IndexOf((byte)'\n');
            var line = end < 0 ? content : content[..end];
            content = end < 0 ? default : content[(end + 1)..];
            _number++;
            line = line.Trim(" \t\r\uFEFF"u8);
            if (line.IsEmpty) continue;
            try
            {
                ReadLine(line);
            }
            catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
            {
                throw new DeltaFormatException($"Line {_number} of {where} is not an action: {wrong.Message}", wrong);
            }
        }
    }

    private void ReadLine(ReadOnlySpan<byte> line)
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
                case "add": ReadAdd(ref json, line); break;
                case "remove": ReadRemove(ref json); break;
                case "metaData": sink.Metadata(ReadMetadata(ref json)); break;
                case "protocol": sink.Protocol(ReadProtocol(ref json)); break;
                case "txn": ReadTxn(ref json); break;
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

    private void ReadAdd(ref Utf8JsonReader json, ReadOnlySpan<byte> line)
    {
        string? path = null, stats = null;
        long size = 0, modified = 0;
        var dataChange = true;
        _stats.Clear();
        Dictionary<string, string?> values = [];
        while (Next(ref json, out var name))
        {
            switch (name)
            {
                case "path": path = json.GetString(); break;
                case "partitionValues": values = _partitions.Read(ref json, line); break;
                case "size": size = json.GetInt64(); break;
                case "modificationTime": modified = json.GetInt64(); break;
                case "dataChange": dataChange = json.GetBoolean(); break;
                case "stats" when sink.Stats == StatsForm.Text && json.TokenType != JsonTokenType.Null: stats = json.GetString(); break;
                case "stats" when sink.Stats == StatsForm.Bytes && json.TokenType == JsonTokenType.String: _stats.Advance(json.CopyString(_stats.Reserve(json.ValueSpan.Length))); break;
                case "deletionVector" when json.TokenType != JsonTokenType.Null: throw DeletionVector(path);
                default: json.Skip(); break;
            }
        }

        if (path is null) throw new JsonException("an add has no path");
        var file = new DataFile(LogPath.Decode(path), size, values, stats, Statistics.RowCount(stats), modified);
        if (sink.Stats == StatsForm.Bytes) sink.Add(file, _stats.Written);
        else sink.Add(file, dataChange);
    }

    private static DeltaUnsupportedException DeletionVector(string? path) =>
        new($"File {path} has a deletion vector, which is not supported here; this library reads tables of reader version 1.");

    private void ReadRemove(ref Utf8JsonReader json)
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

    private void ReadTxn(ref Utf8JsonReader json)
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
