namespace Tidemark.Delta.Log;

/// <summary>The columns of a checkpoint: one row per action, each action an optional struct.</summary>
internal static class CheckpointSchema
{
    private static readonly DataType Strings = DataType.Map(DataType.String, DataType.String);

    public static readonly TableField Txn = new("txn", DataType.Struct(
        new("appId", DataType.String), new("version", DataType.Int64), new("lastUpdated", DataType.Int64)));

    public static readonly TableField Add = new("add", DataType.Struct(
        new("path", DataType.String), new("partitionValues", Strings), new("size", DataType.Int64), new("modificationTime", DataType.Int64),
        new("dataChange", DataType.Boolean), new("tags", Strings), new("stats", DataType.String)));

    public static readonly TableField Remove = new("remove", DataType.Struct(
        new("path", DataType.String), new("deletionTimestamp", DataType.Int64), new("dataChange", DataType.Boolean),
        new("extendedFileMetadata", DataType.Boolean), new("partitionValues", Strings), new("size", DataType.Int64)));

    public static readonly TableField Metadata = new("metaData", DataType.Struct(
        new("id", DataType.String), new("name", DataType.String), new("description", DataType.String),
        new("format", DataType.Struct(new("provider", DataType.String), new("options", Strings))),
        new("schemaString", DataType.String), new("partitionColumns", DataType.List(DataType.String)), new("configuration", Strings),
        new("createdTime", DataType.Int64)));

    public static readonly TableField Protocol = new("protocol", DataType.Struct(
        new("minReaderVersion", DataType.Int32), new("minWriterVersion", DataType.Int32)));

    /// <summary>Only others write these; they are read to be refused by name.</summary>
    public static readonly TableField ProtocolWithFeatures = new("protocol", DataType.Struct(
        new("minReaderVersion", DataType.Int32), new("minWriterVersion", DataType.Int32),
        new("readerFeatures", DataType.List(DataType.String)), new("writerFeatures", DataType.List(DataType.String))));

    /// <summary>Only others write these: `deletionVector.storageType` says that a file has one.</summary>
    public static readonly TableField AddWithVector = new("add", new StructType([.. ((StructType)Add.Type).Fields,
        new("deletionVector", DataType.Struct(new TableField("storageType", DataType.String)))]));

    public static readonly TableSchema Written = new(Txn, Add, Remove, Metadata, Protocol);

    public static readonly TableSchema HeadOnly = new(Txn, Metadata, ProtocolWithFeatures);

    public static readonly TableSchema Whole = new(Txn, AddWithVector, Remove, Metadata, ProtocolWithFeatures);
}
