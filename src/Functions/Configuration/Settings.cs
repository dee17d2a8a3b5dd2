namespace Tidemark.Functions.Configuration;

/// <summary>Every setting there is, in the order of docs/configuration.md.</summary>
public static class Settings
{
    /// <summary>The table.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new(Names.BrokerList, "required", "host:port, several separated by commas", "Kafka brokers to start from."),
        new(Names.KafkaTopic, "required", "a Kafka topic name", "The topic that is read."),
        new(Names.KafkaGroup, "required", "a consumer group name", "Consumer group of the trigger; offsets of the group only decide what is delivered again, never what counts."),
        new(Names.KafkaProtocol, "SaslSsl with KafkaUser, else Plaintext", "Plaintext, Ssl, SaslPlaintext, SaslSsl", "How our own consumer talks to the brokers. The trigger's is compiled in, see below."),
        new(Names.KafkaMechanism, "Plain", "Plain, ScramSha256, ScramSha512", "How KafkaUser is authenticated."),
        new(Names.KafkaUser, "–", "text; $ConnectionString for Event Hubs", "User name; goes with KafkaPassword."),
        new(Names.KafkaPassword, "–", "text", "Password; goes with KafkaUser.", Secret: true),
        new(Names.KafkaCaLocation, "–", "path of a PEM file", "Certificate authority that signed the brokers' certificates, where it is not a well-known one."),
        new(Names.KafkaTimeout, "30s", "1s to 5m", "Without any sign of life for this long, a question to the brokers fails (and is asked again by the next run)."),
        new(Names.PipelineVersion, "v1", "1 to 16 letters, digits, '-', '_' or '.'", "First part of every id. A new value starts a new computation of everything beside the old one."),
        new(Names.TopicGeneration, "1", "1 to 9999", "Raise it when the topic was deleted and made again: offsets begin anew."),
        new(Names.SensorsTopic, "–", "a Kafka topic name", "A topic of device readings that is read beside the main one, into tables of its own. Without it the function IngestSensors must be disabled, see below."),
        new(Names.SensorsGeneration, "1", "1 to 9999", "As TopicGeneration, of SensorsTopic."),
        new(Names.PurchasesTopic, "–", "a Kafka topic name", "A topic of purchases (events of the shop) that is read beside the main one, into tables of its own, and joined with the views of the main one. Without it the function IngestPurchases must be disabled."),
        new(Names.PurchasesGeneration, "1", "1 to 9999", "As TopicGeneration, of PurchasesTopic."),
        new(Names.StartFrom, "earliest", "earliest, latest, a time such as 2026-11-01T00:00:00Z, or offsets such as 0:120,1:4500", "Where the very first start begins to read, see below."),
        new(Names.SensorsStartFrom, "StartFrom", "as StartFrom", "As StartFrom, of SensorsTopic."),
        new(Names.PurchasesStartFrom, "StartFrom", "as StartFrom", "As StartFrom, of PurchasesTopic."),
        new(Names.OnDataLoss, "continue", "continue, stop", "Where Kafka has lost records before they were read: go on behind them, recorded and alerted, or stand before them until that is accepted, see below."),
        new(Names.TablesConnection, "AzureWebJobsStorage", "a connection string, or TablesConnection__tableServiceUri", "Storage account of the ledger.", Secret: true),
        new(Names.ResultsConnection, "TablesConnection", "a connection string, or ResultsConnection__tableServiceUri", "Storage account of the query results; one of its own where readers such as Power BI are given its key.", Secret: true),
        new(Names.LakeConnection, "AzureWebJobsStorage", "a connection string, or LakeConnection__blobServiceUri", "Storage account of the Delta tables.", Secret: true),
        new(Names.LakeContainer, "lake", "3 to 63 lower-case letters, digits and '-'", "Blob container of the Delta tables; made at the start when missing."),
        new(Names.LedgerTable, "TidemarkLedger", "3 to 63 letters and digits, the first a letter", "Table of the ledger; made at the start when missing."),
        new(Names.TickSchedule, "required", "NCRONTAB with seconds, e.g. */2 * * * * *", "How often results are brought up to date."),
        new(Names.MaintainSchedule, "required", "NCRONTAB with seconds, e.g. 0 0 * * * *", "How often the Delta tables are maintained: small files packed, checkpoints, what no version needs removed."),
        new(Names.DeltaInterval, "30s", "1s to 1h", "How often rows are committed to Delta; each commit costs a few requests and makes one file per table."),
        new(Names.QueryTriggers, "–", "off, or query=time with 0s (none) or 1s to 1h, several separated by commas", "Trigger intervals of queries in place of those that their definitions name, e.g. daily_revenue=1m, see below."),
        new(Names.ResultsRetention, "7d", "1h to 3650d", "How far back in event time, behind the frontier, Table storage holds results, at least 60 windows of each query; what is older is in Delta only."),
        new(Names.CheckpointInterval, "15s", "1s to 1h", "How often merged state is handed to durable entities; the more often, the shorter a restart and the more entity operations."),
        new(Names.IdleTimeout, "30s", "1s to 1d", "A partition that is read to its end and silent for this long does not hold event time back. A topic all of whose partitions are so does not hold back the [join](streams.md#two-topics) with another."),
        new(Names.MaxFutureSkew, "1h", "0s to 1d", "How far an event's time may be ahead of Kafka's, and of now, before it is put in quarantine."),
        new(Names.DeduplicateWithin, "1h", "0s (off) to 31d", "An event with the id of another of its partition, no more than this apart in event time, is a duplicate and left out of silver and of every result."),
        new(Names.DeduplicationMaxIds, "8000000", "100000 to 100000000", "Most event ids remembered per partition (21 to 51 MB per million). Beyond it the partition waits, with an alert."),
        new(Names.Catalog, "–", "file:PATH, blob:PATH (CSV in the lake's container), delta:PATH (a Delta table there), table:NAME (in Table storage) or kafka:TOPIC (a compacted topic)", "Product catalog that events are joined with into `gold/enriched_clickstream`; without it, Customers and Countries that table is not made."),
        new(Names.Customers, "–", "as Catalog", "Customers, by `user_id`, that events are joined with into the same table."),
        new(Names.Countries, "–", "as Catalog", "Countries, by `country`, that events are joined with into the same table."),
        new(Names.CatalogRefresh, "1m", "1s to 1d", "How often it is looked whether catalog, customers or countries have changed."),
        new(Names.CatalogJoin, "left", "left, inner", "Whether the enriched table holds all events or those whose product is in the catalog."),
        new(Names.CatalogStart, "wait", "wait, nulls", "While one of these tables could not be read yet: reading waits, or events are enriched with nulls."),
        new(Names.SchemaRegistry, "–", "http(s)://host:port", "Schema registry (Confluent's HTTP interface) that framed records name their schema by. JSON Schema is read; Avro and Protobuf are refused."),
        new(Names.SchemaRegistryUser, "–", "text", "User name for the registry; goes with SchemaRegistryPassword."),
        new(Names.SchemaRegistryPassword, "–", "text", "Password; goes with SchemaRegistryUser.", Secret: true),
        new(Names.EventCountsTopic, "–", "a Kafka topic name", "Topic that the rows of `event_counts` go to, those of open windows too, keyed by event type."),
        new(Names.AlertsTopic, "–", "a Kafka topic name", "Topic that the rows of `fraud_alerts`, `traffic_anomalies`, `revenue_anomalies` and `sensor_alerts` go to."),
        new(Names.DeadLetterSuffix, "–", "the end of a topic name, e.g. .dlq", "Quarantined records go to the topic of this name behind the source's as well, such as `events.dlq`."),
        new(Names.KafkaCompression, "Lz4", "None, Gzip, Snappy, Lz4, Zstd", "How what is written to Kafka is compressed. Event Hubs takes None and Gzip."),
        new(Names.InlineSegmentLimit, "256KB", "0KB to 900KB", "Segments up to this size, compressed, ride in the ledger; larger ones are staged as files."),
        new(Names.MaxRangeRecords, "20000", "1 to 1000000", "Most records in one range."),
        new(Names.MaxOpenRanges, "2000", "10 to 100000", "Above this number of ranges not yet in Delta and the entities, reading waits."),
        new(Names.WatchdogTimeout, "60s", "5s to 1h", "When records wait in Kafka and nothing moves for this long, an alert is raised and our own consumer reads them."),
        new(Names.LeaseDuration, "15s", "5s to 10m", "How long one instance keeps the tick to itself after its last sign of life; one that ends in order gives it back. Correctness does not depend on it."),
        new(Names.AlertLag, "100000", "1 to 1000000000", "Records that may wait in Kafka before growing lag raises an alert."),
        new(Names.AlertQuarantinePercent, "5", "1 to 100", "Percent of the records of five minutes that may go to quarantine before an alert."),
        new(Names.AlertSilence, "15m", "10s to 7d", "How long nothing may come from Kafka before an alert."),
        new(Names.AlertHeld, "10m", "10s to 7d", "How long event time may stand still while events come before an alert."),
    ];

    /// <summary>Names, for code that reads them.</summary>
    public static class Names
    {
        public const string BrokerList = "BrokerList";
        public const string KafkaTopic = "KafkaTopic";
        public const string KafkaGroup = "KafkaGroup";
        public const string KafkaProtocol = "KafkaProtocol";
        public const string KafkaMechanism = "KafkaMechanism";
        public const string KafkaUser = "KafkaUser";
        public const string KafkaPassword = "KafkaPassword";
        public const string KafkaCaLocation = "KafkaCaLocation";
        public const string KafkaTimeout = "KafkaTimeout";
        public const string PipelineVersion = "PipelineVersion";
        public const string TopicGeneration = "TopicGeneration";
        public const string SensorsTopic = "SensorsTopic";
        public const string SensorsGeneration = "SensorsGeneration";
        public const string PurchasesTopic = "PurchasesTopic";
        public const string PurchasesGeneration = "PurchasesGeneration";
        public const string StartFrom = "StartFrom";
        public const string SensorsStartFrom = "SensorsStartFrom";
        public const string PurchasesStartFrom = "PurchasesStartFrom";
        public const string OnDataLoss = "OnDataLoss";
        public const string TablesConnection = "TablesConnection";
        public const string ResultsConnection = "ResultsConnection";
        public const string LakeConnection = "LakeConnection";
        public const string HostStorage = "AzureWebJobsStorage";
        public const string LakeContainer = "LakeContainer";
        public const string LedgerTable = "LedgerTable";
        public const string TickSchedule = "TickSchedule";
        public const string MaintainSchedule = "MaintainSchedule";
        public const string DeltaInterval = "DeltaInterval";
        public const string QueryTriggers = "QueryTriggers";
        public const string ResultsRetention = "ResultsRetention";
        public const string CheckpointInterval = "CheckpointInterval";
        public const string IdleTimeout = "IdleTimeout";
        public const string MaxFutureSkew = "MaxFutureSkew";
        public const string DeduplicateWithin = "DeduplicateWithin";
        public const string DeduplicationMaxIds = "DeduplicationMaxIds";
        public const string Catalog = "Catalog";
        public const string Customers = "Customers";
        public const string Countries = "Countries";
        public const string CatalogRefresh = "CatalogRefresh";
        public const string CatalogJoin = "CatalogJoin";
        public const string CatalogStart = "CatalogStart";
        public const string SchemaRegistry = "SchemaRegistry";
        public const string SchemaRegistryUser = "SchemaRegistryUser";
        public const string SchemaRegistryPassword = "SchemaRegistryPassword";
        public const string EventCountsTopic = "EventCountsTopic";
        public const string AlertsTopic = "AlertsTopic";
        public const string DeadLetterSuffix = "DeadLetterSuffix";
        public const string KafkaCompression = "KafkaCompression";
        public const string InlineSegmentLimit = "InlineSegmentLimit";
        public const string MaxRangeRecords = "MaxRangeRecords";
        public const string MaxOpenRanges = "MaxOpenRanges";
        public const string WatchdogTimeout = "WatchdogTimeout";
        public const string LeaseDuration = "LeaseDuration";
        public const string AlertLag = "AlertLag";
        public const string AlertQuarantinePercent = "AlertQuarantinePercent";
        public const string AlertSilence = "AlertSilence";
        public const string AlertHeld = "AlertHeld";
    }
}
