using System.Text;
using Tidemark.LocalHost.Producing;

namespace Tidemark.LocalHost.Tests.Producing;

public sealed class KafkaPartitionerTests
{
    /// <summary>Values that Kafka's Java client is known to give, as published with its tests.</summary>
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    public void The_hash_is_that_of_other_clients(string key, int expected) =>
        Assert.Equal(expected, (int)KafkaPartitioner.Hash(Encoding.UTF8.GetBytes(key)));

    [Theory]
    [InlineData("""{"user_id":"a\u0062c"}""", "abc")]
    [InlineData("""{"x":[{"user_id":"no"}],"user_id":17.0}""", "17.0")]
    [InlineData("""{"user_id":null}""", null)]
    [InlineData("""{"user_id":""}""", null)]
    [InlineData("""["user_id","a"]""", null)]
    [InlineData("""{"user_id":"\ud800"}""", null)]
    [InlineData("""{"a":1,""", null)]
    public void The_key_is_the_user_id_of_the_outermost_object(string line, string? expected)
    {
        var key = new byte[LineKey.MaxLength];
        var length = LineKey.Read(Encoding.UTF8.GetBytes(line), LineKey.User, key);
        Assert.Equal(expected, length < 0 ? null : Encoding.UTF8.GetString(key.AsSpan(0, length)));
    }
}
