using System.Text.Json;
using Tidemark.Functions.Http;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Tests.Http;

public sealed class CutJsonTests
{
    [Fact]
    public void However_an_array_is_cut_its_whole_items_are_read()
    {
        var others = Enumerable.Range(0, 4).Select(i => new OtherProduct($"p\",]}}{i}", i * 11)).ToList();
        var json = JsonSerializer.Serialize(others, StatusReport.Json);
        var ends = Enumerable.Range(1, 4).Select(n => JsonSerializer.Serialize(others.Take(n), StatusReport.Json).Length - 1).ToList();
        for (var length = 1; length <= json.Length; length++)
            Assert.Equal(others.Take(ends.Count(end => end <= length)), CutJson.Items<OtherProduct>(json[..length]));
        Assert.Empty(CutJson.Items<OtherProduct>(null));
        Assert.Equal(["a", "b"], CutJson.Items<string>("""["a","b","c"""));
    }

    [Fact]
    public void A_value_that_was_cut_is_given_as_text()
    {
        Assert.Equal("""{"a":[1]}""", CutJson.Value("""{"a":[1]}""").GetRawText());
        Assert.Equal("""{"a":[1""", CutJson.Value("""{"a":[1""").GetString());
        Assert.Equal(JsonValueKind.Null, CutJson.Value(null).ValueKind);
    }
}
