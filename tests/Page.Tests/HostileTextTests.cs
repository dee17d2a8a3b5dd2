using System.Text.Json;
using Tidemark.Page.Tests.Live;

namespace Tidemark.Page.Tests;

/// <summary>Text from events is text wherever it is shown.</summary>
[Collection(PipelineCollection.Name)]
public sealed class HostileTextTests(Pipeline pipeline)
{
    private const string Hostile = "<img src=x onerror=\"window.harmed=1\"><script>window.harmed=2</script>\u202e'\"`=1+1";

    [BrowserFact]
    public async Task Hostile_text_is_inert_on_every_page_that_shows_it()
    {
        var now = DateTimeOffset.UtcNow;
        pipeline.Produce(Enumerable.Range(0, 40).Select(i => JsonSerializer.Serialize(new
        {
            event_id = $"hostile-{i}", event_type = i % 2 == 0 ? "view" : "purchase", ts = now.ToUnixTimeMilliseconds(), user_id = Hostile, session_id = Hostile,
            category = Hostile, country = Hostile, product_name = Hostile, revenue = 99999, quantity = 1, price = 99999, extra_field = Hostile,
        })).Append("{ \"broken\": " + Hostile).Append(Hostile));
        await pipeline.UntilAsync(async () => (await pipeline.GetAsync("api/queries/category_views?limit=100")).ToString().Contains("harmed", StringComparison.Ordinal), "the hostile category has a row");
        await pipeline.UntilAsync(async () => (await pipeline.GetAsync("api/quarantine")).ToString().Contains("harmed", StringComparison.Ordinal), "the hostile records are in quarantine");
        await pipeline.UntilAsync(async () => (await pipeline.GetAsync("api/timeline?user=" + Uri.EscapeDataString(Hostile))).GetProperty("events").GetArrayLength() > 0, "the hostile user has a timeline");

        await using var tab = await pipeline.OpenAsync();
        foreach (var page in new[] { "#/", "#/queries/revenue_by_category", "#/queries/category_views", "#/quarantine", "#/tables/silver/events", "#/timeline?user=" + Uri.EscapeDataString(Hostile) })
        {
            if (page != "#/")
                await Pipeline.ShowAsync(tab, page);
            await tab.UntilAsync("document.querySelector('#main').innerText.length > 100");
            Assert.Equal(JsonValueKind.Undefined, (await tab.ValueAsync("window.harmed")).ValueKind);
            Assert.Equal(0, (await tab.ValueAsync("document.querySelectorAll('#main img, #main script, #main iframe, #main [onerror]').length")).GetInt32());
            if (page.StartsWith("#/queries/cat", StringComparison.Ordinal) || page.StartsWith("#/quarantine", StringComparison.Ordinal) || page.StartsWith("#/timeline", StringComparison.Ordinal))
                Assert.Contains("<img src=x onerror=", await tab.TextAsync("#main"));
        }

        Assert.Empty(tab.Errors);
    }

    [BrowserFact]
    public async Task The_key_is_in_no_address_and_a_wrong_one_is_asked_for_again()
    {
        await using var tab = await pipeline.BlankAsync();
        await tab.GoAsync($"{pipeline.Address}/");
        await tab.UntilAsync("!document.querySelector('#key-form').hidden", "the page asks for a key");
        Assert.Contains("A key is needed", await tab.TextAsync("#main"));
        foreach (var key in new[] { "wrong", pipeline.Key })
        {
            await tab.ValueAsync("document.querySelector('#key').focus()");
            await tab.TypeAsync(key);
            await tab.KeyAsync("Enter");
            if (key == "wrong")
                await tab.UntilAsync("!document.querySelector('#key-form').hidden && document.querySelector('#state').textContent === 'key needed'");
        }

        await tab.UntilAsync("document.documentElement.dataset.ready === '#/' && document.querySelector('#key-form').hidden", "the key opens the page");
        await tab.GoAsync($"{pipeline.Address}/#key={pipeline.Key}");
        await tab.UntilAsync("document.documentElement.dataset.ready === '#/'");
        Assert.DoesNotContain(pipeline.Key, (await tab.ValueAsync("location.href")).GetString());
        // Only what follows # had the key, and that is not sent.
        Assert.All(tab.Addresses, address => Assert.DoesNotContain(pipeline.Key, address.Split('#')[0]));
    }
}
