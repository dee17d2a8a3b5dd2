using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;

namespace Tidemark.Domain.Tests.Groups;

public class KeySortTests
{
    [Fact]
    public void Keys_come_in_the_order_of_their_bytes_whatever_they_share()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var keys = new StringTable();
            var beginnings = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Bytes(random, random.Next(0, 20))).ToArray();
            for (var i = random.Next(0, 400); i > 0; i--)
                keys.Intern([.. beginnings[random.Next(beginnings.Length)], .. Bytes(random, random.Next(0, 14))], out _);
            var expected = Enumerable.Range(0, keys.Count).ToArray();
            Array.Sort(expected, (a, b) => keys[a].SequenceCompareTo(keys[b]));
            var actual = Enumerable.Range(0, keys.Count).OrderBy(_ => random.Next()).ToArray();
            KeySort.Sort(keys, actual, new ulong[keys.Count]);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Wide_decimals_as_keys_keep_their_order_and_come_back()
    {
        Int128[] values = [Int128.MinValue, -(Int128.One << 70), -1, 0, 1, long.MaxValue, Int128.One << 90, Int128.MaxValue];
        var column = new Int128Column(values, values.Length);
        var keys = new List<byte[]>();
        var back = new Int128ColumnBuilder();
        for (var row = 0; row < values.Length; row++)
        {
            var key = new ByteWriter();
            OrderedKey.Append(key, column, row);
            keys.Add(key.ToArray());
            var reader = new ByteReader(keys[row]);
            OrderedKey.Read(ref reader, back);
        }
        Assert.Equal(values, ((Int128Column)back.Build()).Values.Take(values.Length));
        Assert.All(keys.Zip(keys.Skip(1)), pair => Assert.True(pair.First.AsSpan().SequenceCompareTo(pair.Second) < 0));
    }

    private static byte[] Bytes(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => (byte)(random.Next(3) == 0 ? 0 : random.Next(4) * 85))];
}
