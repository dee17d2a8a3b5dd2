using System.Text;

namespace Tidemark.LocalHost.Emulator;

/// <summary>
/// What of a topic of an emulator outlives an orderly end: per partition its records at their offsets, the newest <see cref="KafkaEmulator.RetainedBytes"/> and all that
/// the group has not read.
/// </summary>
internal sealed record EmulatorSnapshot(string Topic, string Group, IReadOnlyList<PartitionSnapshot> Partitions)
{
    private const string Magic = "tidemark-emulator-2";

    /// <summary>All topics, one at a time, as each may be large; none when there is no file.</summary>
    /// <exception cref="InvalidDataException">The file is something else.</exception>
    public static IEnumerable<EmulatorSnapshot> Read(string path)
    {
        if (!File.Exists(path))
            yield break;
        using var reader = new BinaryReader(File.OpenRead(path), Encoding.UTF8);
        if (reader.ReadString() != Magic)
            throw new InvalidDataException($"{path} is no emulator snapshot of this version; begin anew with --fresh.");
        for (var left = reader.ReadInt32(); left > 0; left--)
            yield return Read(reader);
    }

    /// <param name="path">File.</param>
    /// <param name="count">Number of topics.</param>
    /// <param name="topics">The topics, asked for one at a time.</param>
    public static void Write(string path, int count, IEnumerable<EmulatorSnapshot> topics)
    {
        using (var file = new FileStream(path + ".new", FileMode.Create))
        using (var writer = new BinaryWriter(file, Encoding.UTF8))
        {
            writer.Write(Magic);
            writer.Write(count);
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
internal sealed record SavedRecord(long TimestampMs, byte[]? Key, byte[]? Value, IReadOnlyList<(string Name, byte[]? Value)> Headers)
{
    /// <summary>Bytes of key, value and headers.</summary>
    public int Size => (Key?.Length ?? 0) + (Value?.Length ?? 0) + Headers.Sum(h => h.Name.Length + (h.Value?.Length ?? 0));
}
