using System.IO.Compression;
using System.Text;
using Tidemark.LocalHost.Producing;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Tests.Producing;

public sealed class LineReaderTests
{
    [Theory]
    [InlineData("events.ndjson", true)]
    [InlineData("events.ndjson.gz", true)]
    [InlineData("events", false)]
    [InlineData("events.gz", false)]
    public void A_packed_file_is_known_by_its_content_not_by_its_name(string name, bool packed)
    {
        using var folder = new TestFolder();
        using (var file = File.Create(folder[name]))
        using (Stream stream = packed ? new GZipStream(file, CompressionLevel.Fastest) : file)
            stream.Write("one\n\ntwo\r\nthree"u8);
        Assert.Equal(["one", "two", "three"], Lines(folder[name]));
    }

    [Fact]
    public void A_file_of_one_byte_and_an_empty_one_are_read_too()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["one"], "x");
        File.WriteAllText(folder["none"], "");
        Assert.Equal(["x"], Lines(folder["one"]));
        Assert.Empty(Lines(folder["none"]));
    }

    [Fact]
    public void All_members_of_a_packed_file_are_read_whatever_their_size_and_the_padding_behind_them()
    {
        using var folder = new TestFolder();
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            List<byte[]> members = [];
            List<string> lines = [];
            for (var count = random.Next(1, 6); count > 0; count--)
            {
                // Lines that hardly pack, of sizes around that of what reads them; now and then the same member again, or an empty one.
                var own = Enumerable.Range(0, random.Next(4) == 0 ? 0 : random.Next(1, 40)).Select(_ => Convert.ToHexString(RandomBytes(random, random.Next(1, 600)))).ToList();
                for (var times = random.Next(4) == 0 ? 2 : 1; times > 0; times--)
                {
                    members.Add(Pack(string.Concat(own.Select(line => line + "\n"))));
                    lines.AddRange(own);
                }
            }

            var bytes = members.SelectMany(m => m).ToArray();
            foreach (var padding in (int[])[0, 1, 511, 20_000])
            {
                File.WriteAllBytes(folder["many.gz"], [.. bytes, .. new byte[padding]]);
                Assert.True(lines.SequenceEqual(Lines(folder["many.gz"])), $"seed {seed}, {members.Count} members, padding {padding}");
            }
        }
    }

    [Fact]
    public void The_optional_parts_of_a_members_header_are_passed_over()
    {
        using var folder = new TestFolder();
        var plain = Pack("one\n");
        byte[] named = [.. plain[..3], 8 + 16 + 4 + 2, .. plain[4..10], 3, 0, 1, 2, 3, .. "name\0comment\0"u8, 9, 9, .. plain[10..]];
        File.WriteAllBytes(folder["named.gz"], [.. named, .. plain]);
        Assert.Equal(["one", "one"], Lines(folder["named.gz"]));
    }

    [Fact]
    public void A_packed_file_that_was_cut_off_anywhere_is_damaged_behind_the_lines_it_still_has()
    {
        using var folder = new TestFolder();
        var (first, second) = (Pack("one\ntwo\n"), Pack("three\n"));
        byte[] whole = [.. first, .. second];
        for (var length = 2; length < whole.Length; length++)
        {
            if (length == first.Length)
                continue;
            File.WriteAllBytes(folder["cut.gz"], whole[..length]);
            var error = Assert.Throws<SettingException>(() => Lines(folder["cut.gz"]));
            Assert.Matches($"^--input .*cut.gz is damaged after line [0-3]: .* byte {(length < first.Length ? 0 : first.Length)} is [^;]*; mend it or pack it anew\\.$", error.Message);
        }
    }

    [Fact]
    public void What_follows_a_packed_file_and_is_not_packed_is_damage_as_is_a_wrong_checksum()
    {
        using var folder = new TestFolder();
        var whole = Pack("one\n");
        foreach (var garbage in (string[])["x", "\0\0x", "\u001fx", "more than a trailer has"])
        {
            File.WriteAllBytes(folder["more.gz"], [.. whole, .. Encoding.ASCII.GetBytes(garbage)]);
            Assert.Contains($"what begins at byte {whole.Length + garbage.LastIndexOf('\0') + 1} is no gzip member", Assert.Throws<SettingException>(() => Lines(folder["more.gz"])).Message, StringComparison.Ordinal);
        }

        whole[^5] ^= 1;
        File.WriteAllBytes(folder["wrong.gz"], whole);
        Assert.Contains("is damaged after line 1", Assert.Throws<SettingException>(() => Lines(folder["wrong.gz"])).Message, StringComparison.Ordinal);
    }

    private static byte[] Pack(string text)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            // An empty member, too, has a header; what packs writes none for nothing.
            if (text.Length == 0)
                return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }

    private static byte[] RandomBytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static List<string> Lines(string path)
    {
        using var reader = new LineReader(path);
        var lines = new List<string>();
        while (reader.TryRead(out var line))
            lines.Add(Encoding.UTF8.GetString(line));
        return lines;
    }
}
