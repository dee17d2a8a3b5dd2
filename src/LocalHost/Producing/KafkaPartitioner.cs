namespace Tidemark.LocalHost.Producing;

/// <summary>Kafka's own default partitioner for keyed records: murmur2 of the key, made positive, modulo the number of partitions.</summary>
/// <remarks>So records of one key from any client with the default partitioner of the Java client go to the same partition.</remarks>
internal static class KafkaPartitioner
{
    private const uint Seed = 0x9747b28c;
    private const uint Multiplier = 0x5bd1e995;

    public static int Partition(ReadOnlySpan<byte> key, int partitions) => (int)(Hash(key) & 0x7fffffff) % partitions;

    internal static uint Hash(ReadOnlySpan<byte> data)
    {
        var hash = Seed ^ (uint)data.Length;
        var rest = data;
        for (; rest.Length >= 4; rest = rest[4..])
        {
            var word = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(rest) * Multiplier;
            hash = (hash * Multiplier) ^ ((word ^ (word >> 24)) * Multiplier);
        }

        if (rest.Length > 2)
            hash ^= (uint)rest[2] << 16;
        if (rest.Length > 1)
            hash ^= (uint)rest[1] << 8;
        if (rest.Length > 0)
            hash = (hash ^ rest[0]) * Multiplier;
        hash = (hash ^ (hash >> 13)) * Multiplier;
        return hash ^ (hash >> 15);
    }
}
