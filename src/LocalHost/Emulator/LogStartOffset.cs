using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text;

namespace Tidemark.LocalHost.Emulator;

/// <summary>
/// Gives a new, empty partition of the emulator a log start above 0, as retention does on any broker: an earlier offset is out of range, and nothing lies
/// there. The emulator has no request for that, but it drops its oldest batches once a partition holds more than <see cref="KafkaEmulator.RetainedBytes"/>.
/// So one batch that says it has all those records, and is that long, is sent, and a small one behind it. However many records there were, it takes two requests.
/// </summary>
/// <remarks>
/// Dropping the only batch before a new one moves the log start behind that new one, too; it stays hidden until it is dropped in turn. A start of 1
/// leaves room for one batch only, so its log begins at 0 with a commit marker, which is no record to any reader.
/// </remarks>
internal static class LogStartOffset
{
    private const int HeaderLength = 61;
    private const short Produce = 0;
    private const short ProduceVersion = 3;
    private const short AllReplicas = -1;
    private const short Gzip = 1;
    private const short Control = 1 << 5;

    // Zigzag: length 10, attributes, time and offset deltas 0, a key of 4 bytes (version 0, type 1: commit), an empty value, no headers.
    private static readonly byte[] CommitMarker = [20, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0];

    /// <summary>Moves an empty partition's start and end to an offset.</summary>
    /// <exception cref="InvalidOperationException">The emulator refuses.</exception>
    public static void Advance(string brokers, string topic, int partition, long offset)
    {
        if (offset <= 0)
            return;
        using var client = new TcpClient();
        client.Connect(IPEndPoint.Parse(brokers));
        for (var left = offset - 1; left > 0;)
        {
            var count = (int)Math.Min(left, int.MaxValue);
            left -= count;
            Send(client, topic, partition, Batch(count, left == 0 ? KafkaEmulator.RetainedBytes : 0));
        }

        Send(client, topic, partition, Batch(1, 0));
    }

    /// <summary>A record batch (magic 2) of one commit marker that counts as so many records.</summary>
    private static byte[] Batch(int count, int padding)
    {
        var batch = new byte[HeaderLength + CommitMarker.Length + padding];
        var span = batch.AsSpan();
        BinaryPrimitives.WriteInt32BigEndian(span[8..], batch.Length - 12); // What follows the length.
        span[16] = 2;
        // Only of a compressed batch does the emulator believe a number of records that so few bytes cannot hold. No reader ever gets it.
        BinaryPrimitives.WriteInt16BigEndian(span[21..], (short)(count > 1 ? Control | Gzip : Control));
        BinaryPrimitives.WriteInt32BigEndian(span[23..], count - 1);
        span[43..57].Fill(0xFF); // No producer id, epoch or sequence.
        BinaryPrimitives.WriteInt32BigEndian(span[57..], count);
        CommitMarker.CopyTo(span[HeaderLength..]);
        BinaryPrimitives.WriteUInt32BigEndian(span[17..], Crc32C(span[21..]));
        return batch;
    }

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    private static void Send(TcpClient client, string topic, int partition, byte[] batch)
    {
        using var request = new MemoryStream(batch.Length + 256);
        Write(request, Produce, ProduceVersion);
        Write(request, 0); // Correlation id.
        Write(request, (short)-1, (short)-1, AllReplicas); // No client id, no transaction.
        Write(request, 30_000, 1); // Patience in ms; one topic.
        var name = Encoding.UTF8.GetBytes(topic);
        Write(request, (short)name.Length);
        request.Write(name);
        Write(request, 1, partition, batch.Length);
        request.Write(batch);

        var stream = client.GetStream();
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, (int)request.Length);
        stream.Write(length);
        stream.Write(request.GetBuffer().AsSpan(0, (int)request.Length));
        stream.ReadExactly(length);
        var response = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        stream.ReadExactly(response);
        // Correlation id, number of topics, the topic's name, number of partitions, the partition, its error.
        if (BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(4 + 4 + 2 + name.Length + 4 + 4)) is not 0 and var error)
            throw new InvalidOperationException($"The Kafka emulator does not move the log start of {topic}, partition {partition}: error {error}.");
    }

    private static void Write(MemoryStream stream, params ReadOnlySpan<short> numbers)
    {
        Span<byte> bytes = stackalloc byte[2];
        foreach (var number in numbers)
        {
            BinaryPrimitives.WriteInt16BigEndian(bytes, number);
            stream.Write(bytes);
        }
    }

    private static void Write(MemoryStream stream, params ReadOnlySpan<int> numbers)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (var number in numbers)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes, number);
            stream.Write(bytes);
        }
    }
}
