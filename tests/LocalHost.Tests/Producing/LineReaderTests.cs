using System.IO.Compression;
using System.Text;
using Tidemark.LocalHost.Producing;

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

    private static List<string> Lines(string path)
    {
        using var reader = new LineReader(path);
        var lines = new List<string>();
        while (reader.TryRead(out var line))
            lines.Add(Encoding.UTF8.GetString(line));
        return lines;
    }
}
