using System.Text;

namespace Tidemark.LocalHost.Emulator;

/// <summary>
/// What of a topic of an emulator outlives an orderly end: per partition the records from the group's committed offset on, at their offsets. Older ones have been
/// processed and nobody asks for them.
/// </summary>
internal sealed record EmulatorSnapshot(string Topic, string Group, IReadOnlyList<PartitionSnapshot> Partitions)
{
    private const string Magic = "tidemark-emulator-2";

    /// <summary>All topics; none when there is no file.</summary>
    /// <exception cref="InvalidDataException">The file is something else.</exception>
    public static IReadOnlyList<EmulatorSnapshot> Read(string path)
    {
        if (!File.Exists(path))
            return [];
        using var reader = new BinaryReader(File.OpenRead(path), Encoding.UTF8);
        if (reader.ReadString() != Magic)
            throw new InvalidDataException($"{path} is no emulator snapshot of this version; begin anew with --fresh.");
        var topics = new EmulatorSnapshot[reader.ReadInt32()];
        for (var i = 0; i < topics.Length; i++)
            topics[i] = Read(reader);
        return topics;
    }

    public static void Write(string path, IReadOnlyList<EmulatorSnapshot> topics)
    {
        using (var file = new FileStream(path + ".new", FileMode.Create))
        using (var writer = new BinaryWriter(file, Encoding.UTF8))
        {
            writer.Write(Magic);
            writer.Write(topics.Count);
            foreach (var topic in topics)
                topic.Write(writer);
            writer.Flush();
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    private static EmulatorSnapshot Read(BinaryReader reader)
    {
        var (topic, group) = (reader.ReadString(), reader.ReadString());
        var partitions = new PartitionSnapshot[reader.ReadInt32()];
        for (var i = 0; i < partitions.Length; i++)
            partitions[i] = new PartitionSnapshot(reader.ReadInt64(), reader.ReadInt64(), ReadRecords(reader));
        return new EmulatorSnapshot(topic, group, partitions);
    }

    private void Write(BinaryWriter writer)
    {
        writer.Write(Topic);
        writer.Write(Group);
        writer.Write(Partitions.Count);
        foreach (var partition in Partitions)
        {
            writer.Write(partition.First);
            writer.Write(partition.Committed);
            WriteRecords(writer, partition.Records);
        }
    }

    private static SavedRecord[] ReadRecords(BinaryReader reader)
    {
        var records = new SavedRecord[reader.ReadInt32()];
        for (var i = 0; i < records.Length; i++)
        {
            var (time, key, value) = (reader.ReadInt64(), ReadBytes(reader), ReadBytes(reader));
            var headers = new (string, byte[]?)[reader.ReadInt32()];
            for (var h = 0; h < headers.Length; h++)
                headers[h] = (reader.ReadString(), ReadBytes(reader));
            records[i] = new SavedRecord(time, key, value, headers);
        }

        return records;
    }

    private static void WriteRecords(BinaryWriter writer, IReadOnlyList<SavedRecord> records)
    {
        writer.Write(records.Count);
        foreach (var record in records)
        {
            writer.Write(record.TimestampMs);
            WriteBytes(writer, record.Key);
            WriteBytes(writer, record.Value);
            writer.Write(record.Headers.Count);
            foreach (var (name, value) in record.Headers)
            {
                writer.Write(name);
                WriteBytes(writer, value);
            }
        }
    }

    private static byte[]? ReadBytes(BinaryReader reader) => reader.ReadInt32() is >= 0 and var length ? reader.ReadBytes(length) : null;

    private static void WriteBytes(BinaryWriter writer, byte[]? bytes)
    {
        writer.Write(bytes?.Length ?? -1);
        if (bytes is not null)
            writer.Write(bytes);
    }
}

/// <summary>One partition: offset of its first saved record, the group's committed offset (−1 = none), the records up to its end.</summary>
internal sealed record PartitionSnapshot(long First, long Committed, IReadOnlyList<SavedRecord> Records);

/// <summary>A record; null key or value as in Kafka.</summary>
internal sealed record SavedRecord(long TimestampMs, byte[]? Key, byte[]? Value, IReadOnlyList<(string Name, byte[]? Value)> Headers);
