using System.Collections;

namespace Azure.Data.Tables;

public partial interface ITableEntity
{
    string PartitionKey { get; set; }

    string RowKey { get; set; }

    DateTimeOffset? Timestamp { get; set; }

    ETag ETag { get; set; }
}

/// <summary>
/// An entity as a dictionary. Keys, timestamp and ETag are entries too (<c>PartitionKey</c>, <c>RowKey</c>, <c>Timestamp</c>,
/// <c>odata.etag</c>). Values are string, int, long, double, bool, DateTime or DateTimeOffset (UTC), Guid, byte[] or BinaryData; an
/// entity that was read holds DateTimeOffset for times and byte[] for binaries. A typed getter gives null for an absent
/// property and fails with <see cref="InvalidOperationException"/> for one of another type.
/// </summary>
public sealed partial class TableEntity : ITableEntity, IDictionary<string, object>
{
    private readonly Dictionary<string, object> properties;

    public TableEntity() => properties = [];

    public TableEntity(string partitionKey, string rowKey)
        : this()
    {
        PartitionKey = partitionKey;
        RowKey = rowKey;
    }

    public TableEntity(IDictionary<string, object> values) => properties = new Dictionary<string, object>(values);

    public string PartitionKey
    {
        get => GetString(Wire.PartitionKey);
        set => properties[Wire.PartitionKey] = value;
    }

    public string RowKey
    {
        get => GetString(Wire.RowKey);
        set => properties[Wire.RowKey] = value;
    }

    public DateTimeOffset? Timestamp
    {
        get => GetDateTimeOffset(Wire.Timestamp);
        set => properties[Wire.Timestamp] = value;
    }

    public ETag ETag
    {
        get => GetString(Wire.ETag) is { } text ? new ETag(text) : default;
        set => properties[Wire.ETag] = value.ToString();
    }

    public int Count => properties.Count;

    public ICollection<string> Keys => properties.Keys;

    ICollection<object> IDictionary<string, object>.Values => properties.Values;

    bool ICollection<KeyValuePair<string, object>>.IsReadOnly => false;

    internal Dictionary<string, object> Properties => properties;

    public object this[string key]
    {
        get => properties.GetValueOrDefault(key);
        set => properties[key] = value;
    }

    public string GetString(string key) => Value<string>(key);

    public int? GetInt32(string key) => Value<int?>(key);

    public long? GetInt64(string key) => Value<long?>(key);

    public double? GetDouble(string key) => Value<double?>(key);

    public bool? GetBoolean(string key) => Value<bool?>(key);

    public Guid? GetGuid(string key) => Value<Guid?>(key);

    public DateTime? GetDateTime(string key) => this[key] is DateTimeOffset time ? time.UtcDateTime : Value<DateTime?>(key);

    public DateTimeOffset? GetDateTimeOffset(string key) =>
        this[key] is DateTime time ? new DateTimeOffset(time.ToUniversalTime()) : Value<DateTimeOffset?>(key);

    public byte[] GetBinary(string key) => this[key] is BinaryData data ? data.ToArray() : Value<byte[]>(key);

    public BinaryData GetBinaryData(string key) => this[key] is byte[] bytes ? new BinaryData(bytes) : Value<BinaryData>(key);

    public void Add(string key, object value) => properties.Add(key, value);

    public bool Remove(string key) => properties.Remove(key);

    public bool ContainsKey(string key) => properties.ContainsKey(key);

    public bool TryGetValue(string key, out object value) => properties.TryGetValue(key, out value);

    public void Clear() => properties.Clear();

    void ICollection<KeyValuePair<string, object>>.Add(KeyValuePair<string, object> item) => properties.Add(item.Key, item.Value);

    bool ICollection<KeyValuePair<string, object>>.Contains(KeyValuePair<string, object> item) => properties.Contains(item);

    void ICollection<KeyValuePair<string, object>>.CopyTo(KeyValuePair<string, object>[] array, int arrayIndex) =>
        ((ICollection<KeyValuePair<string, object>>)properties).CopyTo(array, arrayIndex);

    bool ICollection<KeyValuePair<string, object>>.Remove(KeyValuePair<string, object> item) =>
        ((ICollection<KeyValuePair<string, object>>)properties).Remove(item);

    IEnumerator<KeyValuePair<string, object>> IEnumerable<KeyValuePair<string, object>>.GetEnumerator() => properties.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => properties.GetEnumerator();

    private T Value<T>(string key)
    {
        if (!properties.TryGetValue(key, out var value) || value is null)
            return default;
        return value is T typed
            ? typed
            : throw new InvalidOperationException($"The property '{key}' is a {value.GetType().Name}, not a {(Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T)).Name}.");
    }
}
