using System.Runtime.InteropServices;
using Tidemark.Native;

namespace Tidemark.LocalHost.Kafka.Native;

/// <summary>
/// The part of librdkafka's C interface that hot paths need: whole batches per call, no managed object per message but the record.
/// Names and shapes are those of rdkafka.h and rdkafka_mock.h, version 2.0 and later.
/// </summary>
internal static unsafe partial class Librdkafka
{
    private const string Library = NativeKafka.Library;

    public const int TypeProducer = 0;
    public const int TypeConsumer = 1;
    public const int PartitionUnassigned = -1;
    public const int FlagCopy = 2;

    public const int ErrorNone = 0;
    public const int ErrorAllBrokersDown = -187;
    public const int ErrorTransport = -195;
    public const int ErrorResolve = -193;
    public const int ErrorPartitionEof = -191;
    public const int ErrorTimedOut = -185;
    public const int ErrorQueueFull = -184;
    public const int ErrorAssignPartitions = -175;
    public const int ErrorRevokePartitions = -174;
    public const int ErrorFatal = -150;
    public const int ErrorUnknownTopicOrPartition = 3;

    [LibraryImport(Library)]
    public static partial nint rd_kafka_conf_new();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_conf_set(nint conf, string name, string value, byte* errstr, nuint size);

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_destroy(nint conf);

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_set_opaque(nint conf, nint opaque);

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_set_rebalance_cb(nint conf, delegate* unmanaged[Cdecl]<nint, int, PartitionList*, nint, void> callback);

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_set_dr_msg_cb(nint conf, delegate* unmanaged[Cdecl]<nint, Message*, nint, void> callback);

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_set_error_cb(nint conf, delegate* unmanaged[Cdecl]<nint, int, byte*, nint, void> callback);

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_set_log_cb(nint conf, delegate* unmanaged[Cdecl]<nint, int, byte*, byte*, void> callback);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_opaque(nint rk);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_new(int type, nint conf, byte* errstr, nuint size);

    [LibraryImport(Library)]
    public static partial void rd_kafka_destroy(nint rk);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_err2str(int error);

    [LibraryImport(Library)]
    public static partial int rd_kafka_poll(nint rk, int timeoutMs);

    [LibraryImport(Library)]
    public static partial int rd_kafka_poll_set_consumer(nint rk);

    [LibraryImport(Library)]
    public static partial int rd_kafka_subscribe(nint rk, PartitionList* topics);

    [LibraryImport(Library)]
    public static partial int rd_kafka_assign(nint rk, PartitionList* partitions);

    [LibraryImport(Library)]
    public static partial int rd_kafka_offsets_store(nint rk, PartitionList* offsets);

    [LibraryImport(Library)]
    public static partial int rd_kafka_consumer_close(nint rk);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_queue_get_consumer(nint rk);

    [LibraryImport(Library)]
    public static partial void rd_kafka_queue_destroy(nint queue);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_consume_batch_queue(nint queue, int timeoutMs, Message** messages, nuint size);

    [LibraryImport(Library)]
    public static partial void rd_kafka_message_destroy(Message* message);

    [LibraryImport(Library)]
    public static partial long rd_kafka_message_timestamp(Message* message, int* type);

    [LibraryImport(Library)]
    public static partial int rd_kafka_message_headers(Message* message, nint* headers);

    [LibraryImport(Library)]
    public static partial int rd_kafka_header_get_all(nint headers, nuint index, byte** name, byte** value, nuint* size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_query_watermark_offsets(nint rk, string topic, int partition, long* low, long* high, int timeoutMs);

    [LibraryImport(Library)]
    public static partial PartitionList* rd_kafka_topic_partition_list_new(int size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial Partition* rd_kafka_topic_partition_list_add(PartitionList* list, string topic, int partition);

    [LibraryImport(Library)]
    public static partial void rd_kafka_topic_partition_list_destroy(PartitionList* list);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint rd_kafka_topic_new(nint rk, string topic, nint conf);

    [LibraryImport(Library)]
    public static partial void rd_kafka_topic_destroy(nint topic);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_produceva(nint rk, Argument* arguments, nuint count);

    [LibraryImport(Library)]
    public static partial int rd_kafka_error_code(nint error);

    [LibraryImport(Library)]
    public static partial void rd_kafka_error_destroy(nint error);

    [LibraryImport(Library)]
    public static partial int rd_kafka_flush(nint rk, int timeoutMs);

    [LibraryImport(Library)]
    public static partial int rd_kafka_outq_len(nint rk);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_mock_cluster_new(nint rk, int brokers);

    [LibraryImport(Library)]
    public static partial void rd_kafka_mock_cluster_destroy(nint cluster);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_mock_cluster_bootstraps(nint cluster);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_mock_topic_create(nint cluster, string topic, int partitions, int replication);

    public static string Describe(int error) => Marshal.PtrToStringUTF8(rd_kafka_err2str(error)) ?? $"error {error}";

    /// <summary>rd_kafka_message_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public int Error;
        public nint Topic;
        public int Partition;
        public byte* Payload;
        public nuint Length;
        public byte* Key;
        public nuint KeyLength;
        public long Offset;
        public nint Opaque;
    }

    /// <summary>rd_kafka_topic_partition_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Partition
    {
        public byte* Topic;
        public int Number;
        public long Offset;
        public void* Metadata;
        public nuint MetadataSize;
        public void* Opaque;
        public int Error;
        public void* Private;
    }

    /// <summary>rd_kafka_topic_partition_list_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PartitionList
    {
        public int Count;
        public int Size;
        public Partition* Items;
    }

    /// <summary>rd_kafka_vu_t: one tagged argument of rd_kafka_produceva.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 72)]
    public struct Argument
    {
        public const int Topic = 2;
        public const int Partition = 3;
        public const int Value = 4;
        public const int Key = 5;
        public const int Opaque = 6;
        public const int Flags = 7;
        public const int Timestamp = 8;
        public const int Header = 9;

        [FieldOffset(0)]
        public int Tag;

        [FieldOffset(8)]
        public nint Pointer;

        [FieldOffset(8)]
        public int Number;

        [FieldOffset(8)]
        public long Long;

        [FieldOffset(16)]
        public nuint Size;

        [FieldOffset(16)]
        public nint HeaderValue;

        [FieldOffset(24)]
        public nint HeaderSize;
    }
}
