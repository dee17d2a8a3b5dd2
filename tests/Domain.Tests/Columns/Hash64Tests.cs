using System.Numerics;
using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Tests.Columns;

public class Hash64Tests
{
    [Theory]
    [InlineData("", 13053720021258080622)]
    [InlineData("a", 11928539621824654379)]
    [InlineData("user-17850", 18263361405310431638)]
    [InlineData("exactly sixteen!", 676276856578829251)]
    [InlineData("a text that is longer than one step of sixteen bytes", 4658947174506886219)]
    public void Hashes_are_part_of_saved_state_and_never_change(string text, ulong expected) =>
        Assert.Equal(expected, Hash64.Of(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Every_input_bit_moves_about_half_of_the_output_bits()
    {
        var random = new Random(1);
        foreach (var length in new[] { 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100 })
        {
            double moved = 0;
            var flips = 0;
            for (var round = 0; round < 200; round++)
            {
                var bytes = new byte[length];
                random.NextBytes(bytes);
                var before = Hash64.Of(bytes);
                var bit = random.Next(length * 8);
                bytes[bit / 8] ^= (byte)(1 << bit % 8);
                moved += BitOperations.PopCount(before ^ Hash64.Of(bytes));
                flips++;
            }
            Assert.InRange(moved / flips, 29, 35);
        }
    }

    [Fact]
    public void Similar_ids_do_not_collide()
    {
        var seen = new HashSet<ulong>();
        for (var i = 0; i < 300_000; i++)
        {
            Assert.True(seen.Add(Hash64.Of(Encoding.UTF8.GetBytes($"user-{i}"))), $"user-{i}");
            Assert.True(seen.Add(Hash64.Of((ulong)i)), $"{i}");
        }
    }
}
