using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Tests.Parquet;

public sealed class CodecTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Snappy_gives_back_what_it_took_whatever_the_length_and_repetition(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var input = new byte[random.Next(5) == 0 ? random.Next(300_000) : random.Next(400)];
            var alphabet = random.Next(1, 256);
            for (var i = 0; i < input.Length; i++)
                input[i] = random.Next(3) == 0 && i > 40 ? input[i - random.Next(1, 40)] : (byte)random.Next(alphabet);
            if (input.Length > 1000 && random.Next(2) == 0) input.AsSpan(0, 400).CopyTo(input.AsSpan(input.Length - 400));
            using var sink = new ByteSink();
            SnappyEncoder.Compress(input, sink);
            Assert.True(sink.Length <= SnappyEncoder.MaxCompressedLength(input.Length));
            var output = new byte[input.Length];
            SnappyDecoder.Decompress(sink.Written, output);
            Assert.True(output.AsSpan().SequenceEqual(input), $"seed {seed}, round {round}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Codes_of_every_width_come_back_from_runs_and_packed_groups(int seed)
    {
        var random = new Random(seed);
        for (var width = 0; width <= 31; width++)
        {
            for (var round = 0; round < 20; round++)
            {
                var values = new int[random.Next(1, 600)];
                for (var i = 0; i < values.Length; i++)
                    values[i] = i > 0 && random.Next(4) > 0 ? values[i - 1] : width == 0 ? 0 : (int)(random.NextInt64() & (1L << width) - 1);
                using var sink = new ByteSink();
                RleEncoder.Encode(values, width, sink);
                // The decoder reads a few bytes past the end of what it uses.
                var padded = new byte[sink.Length + PageBuffer.Slack];
                sink.Written.CopyTo(padded);
                var back = new int[values.Length];
                Assert.Equal(sink.Length, RleDecoder.Decode(padded.AsSpan(0, sink.Length), width, back));
                Assert.Equal(values, back);
            }
        }
    }

    [Fact]
    public void The_checksum_is_that_of_zlib()
    {
        Assert.Equal(0xCBF43926u, Crc32.Of("123456789"u8));
        Assert.Equal(0u, Crc32.Of([]));
        Assert.Equal(0x414FA339u, Crc32.Of("The quick brown fox jumps over the lazy dog"u8));
    }
}
