using System.Buffers;
using System.Text.Json;

namespace Tidemark.Delta.Log;

/// <summary>Builds the content of a commit: one action per line. Absent fields are left out, never written as null.</summary>
internal sealed class ActionWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _json;

    public ActionWriter() => _json = new Utf8JsonWriter(_buffer, JsonFormat.Options);

    public ReadOnlyMemory<byte> Content => _buffer.WrittenMemory;

    private void Begin(string action)
    {
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteStartObject(action);
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
    }

    public void CommitInfo(CommitDescription commit, long readVersion)
    {
        Begin("commitInfo");
        _json.WriteNumber("timestamp", commit.Timestamp);
        _json.WriteString("operation", commit.Operation);
        Strings("operationParameters", commit.Parameters);
        if (readVersion >= 0) _json.WriteNumber("readVersion", readVersion);
        _json.WriteString("isolationLevel", commit.DataChange ? "Serializable" : "SnapshotIsolation");
        _json.WriteBoolean("isBlindAppend", commit.BlindAppend);
        Strings("operationMetrics", commit.Metrics);
        _json.WriteString("engineInfo", commit.EngineInfo);
        if (commit.UserMetadata is not null) _json.WriteString("userMetadata", commit.UserMetadata);
        _json.WriteString("txnId", commit.TxnId);
        End();
    }

    public void Protocol(Protocol protocol)
    {
        Begin("protocol");
        _json.WriteNumber("minReaderVersion", protocol.MinReaderVersion);
        _json.WriteNumber("minWriterVersion", protocol.MinWriterVersion);
        End();
    }

    public void Metadata(Metadata metadata)
    {
        Begin("metaData");
        _json.WriteString("id", metadata.Id);
        if (metadata.Name is not null) _json.WriteString("name", metadata.Name);
        if (metadata.Description is not null) _json.WriteString("description", metadata.Description);
        _json.WriteStartObject("format");
        _json.WriteString("provider", "parquet");
        _json.WriteStartObject("options");
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteString("schemaString", metadata.SchemaString);
        _json.WriteStartArray("partitionColumns");
        foreach (var column in metadata.PartitionColumns) _json.WriteStringValue(column);
        _json.WriteEndArray();
        Strings("configuration", metadata.Configuration.OrderBy(c => c.Key, StringComparer.Ordinal)!);
        if (metadata.CreatedTime is { } created) _json.WriteNumber("createdTime", created);
        End();
    }

    public void Txn(Txn txn)
    {
        Begin("txn");
        _json.WriteString("appId", txn.AppId);
        _json.WriteNumber("version", txn.Version);
        if (txn.LastUpdated is { } updated) _json.WriteNumber("lastUpdated", updated);
        End();
    }

    public void Add(DataFile file, bool dataChange)
    {
        Begin("add");
        _json.WriteString("path", LogPath.Encode(file.Path));
        Strings("partitionValues", file.PartitionValues);
        _json.WriteNumber("size", file.Size);
        _json.WriteNumber("modificationTime", file.ModificationTime);
        _json.WriteBoolean("dataChange", dataChange);
        if (file.Stats is not null) _json.WriteString("stats", file.Stats);
        End();
    }

    public void Remove(DataFile file, long deletionTimestamp, bool dataChange)
    {
        Begin("remove");
        _json.WriteString("path", LogPath.Encode(file.Path));
        _json.WriteNumber("deletionTimestamp", deletionTimestamp);
        _json.WriteBoolean("dataChange", dataChange);
        _json.WriteBoolean("extendedFileMetadata", true);
        Strings("partitionValues", file.PartitionValues);
        _json.WriteNumber("size", file.Size);
        End();
    }

    private void Strings(string name, IEnumerable<KeyValuePair<string, string?>> values)
    {
        _json.WriteStartObject(name);
        foreach (var (key, value) in values)
        {
            if (value is null) _json.WriteNull(key);
            else _json.WriteString(key, value);
        }

        _json.WriteEndObject();
    }
}

/// <summary>What goes into a commit's `commitInfo`.</summary>
internal sealed record CommitDescription(string Operation, IEnumerable<KeyValuePair<string, string?>> Parameters,
    IEnumerable<KeyValuePair<string, string?>> Metrics, bool BlindAppend, bool DataChange, string EngineInfo, string TxnId, long Timestamp, string? UserMetadata = null);
