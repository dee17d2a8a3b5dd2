using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Tests.Tables;

public sealed class TableKeysTests
{
    public static TheoryData<string> Texts => ["", "plain", "a/b\\c#d?e", "100%", "a|b", "!0041", "!", "line\nbreak\t\u007f\u0085", "日本語", "Größe", "😀", "\ud800", "it's", " ", "+ ="];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Escaping_is_undone_and_leaves_nothing_that_a_key_may_not_hold(string text)
    {
        var key = TableKeys.Escape(text);
        Assert.Equal(text, TableKeys.Unescape(key));
        Assert.DoesNotContain(key, c => "/\\#?%|'".Contains(c) || char.IsControl(c) || char.IsSurrogate(c));
    }

    [Fact]
    public void Different_texts_have_different_keys_also_when_long()
    {
        var random = new Random(5);
        var texts = Enumerable.Range(0, 2000).Select(_ => new string(Enumerable.Range(0, random.Next(0, 5)).Select(_ => "a/!|0"[random.Next(5)]).ToArray()))
            .Concat(Enumerable.Range(0, 100).Select(i => new string('x', 1000) + i)).Distinct().ToList();
        Assert.Equal(texts.Count, texts.Select(TableKeys.Escape).Distinct().Count());
        Assert.All(texts, t => Assert.True(TableKeys.Escape(t).Length <= TableKeys.LongestText));
    }

    [Fact]
    public void A_shortened_key_says_that_it_cannot_be_turned_back() =>
        Assert.Throws<FormatException>(() => TableKeys.Unescape(TableKeys.Escape(new string('/', 500))));
}
