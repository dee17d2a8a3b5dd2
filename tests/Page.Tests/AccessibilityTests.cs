using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.Page.Tests.Browser;
using Tidemark.Page.Tests.Live;

namespace Tidemark.Page.Tests;

/// <summary>Everyone can use it: keyboard alone, screen readers, light and dark, a phone.</summary>
[Collection(PipelineCollection.Name)]
public sealed class AccessibilityTests(Pipeline pipeline)
{
    private static readonly string[] Pages =
    [
        "#/", "#/queries", "#/queries/conversion_funnel", "#/timeline", "#/partitions", "#/partitions/0", "#/quarantine", "#/quarantine?topic=sensors", "#/tables", "#/tables/silver/events", "#/entities", "#/nowhere",
    ];

    [BrowserFact]
    public async Task No_page_breaks_a_rule_of_accessibility_and_none_says_an_error_light_or_dark_wide_or_narrow()
    {
        var axe = await File.ReadAllTextAsync(Path.Combine(Places.Root, "tests/Page.Tests/browser/node_modules/axe-core/axe.min.js"));
        await using var tab = await pipeline.OpenAsync();
        await tab.ValueAsync(axe + "\n;1");
        foreach (var (dark, width) in new[] { (false, 1400), (true, 390) })
        {
            await tab.DarkAsync(dark);
            await tab.SizeAsync(width, 900, phone: width < 500);
            foreach (var page in Pages)
            {
                await tab.ValueAsync($"location.hash = {JsonSerializer.Serialize(page)}");
                await tab.UntilAsync(page == "#/nowhere" ? "document.querySelector('h1')?.textContent === 'No such page'" : $"document.documentElement.dataset.ready === {JsonSerializer.Serialize(page)}", $"{page} shows");
                var found = await tab.ValueAsync("axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html + ' ' + n.failureSummary).join(' | ')}`))");
                Assert.True(found.GetArrayLength() == 0, $"{page}, {(dark ? "dark" : "light")}, {width} px:\n{found}");
                Assert.True((await tab.ValueAsync("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).GetBoolean(), $"{page} scrolls sideways at {width} px.");
            }
        }

        Assert.Empty(tab.Errors);
    }

    [BrowserFact]
    public async Task A_quarantined_record_is_found_chosen_and_replayed_by_keyboard_alone()
    {
        pipeline.Produce(["by keyboard"], partition: 3);
        await pipeline.UntilAsync(async () => (await pipeline.GetAsync("api/quarantine")).ToString().Contains("by keyboard", StringComparison.Ordinal), "the record is in quarantine");
        await using var tab = await pipeline.OpenAsync();
        await tab.ValueAsync("document.activeElement.blur()");
        await tab.KeyAsync("Tab");
        Assert.Equal("Skip to content", await FocusedAsync(tab));
        await tab.KeyAsync("Enter");
        Assert.Equal("main", (await tab.ValueAsync("document.activeElement.id")).GetString());
        await TabToAsync(tab, "Quarantine", back: true);
        await tab.KeyAsync("Enter");
        await tab.UntilAsync("document.documentElement.dataset.ready === '#/quarantine'");
        var offset = (await tab.ValueAsync("[...document.querySelectorAll('tbody tr')].find(r => r.innerText.includes('by keyboard')).querySelector('input').getAttribute('aria-label')")).GetString()!;
        await TabToAsync(tab, offset);
        await tab.KeyAsync(" ");
        await tab.UntilAsync("!document.querySelector('#replay').disabled");
        await TabToAsync(tab, "Replay 1 chosen", back: true);
        await tab.KeyAsync("Enter");
        await tab.UntilAsync("document.querySelector('#replay-said').textContent.startsWith('Replay: 1 sent')", "the record is sent again");
        await pipeline.UntilAsync(
            async () => (await pipeline.GetAsync("api/quarantine")).GetProperty("records").EnumerateArray().Count(r => r.GetProperty("record").ToString().Contains("by keyboard", StringComparison.Ordinal)) == 2,
            "it comes back under a new offset");
        Assert.Empty(tab.Errors);
    }

    [BrowserFact]
    public async Task Another_topic_has_its_own_quarantine_and_its_records_go_back_to_it()
    {
        pipeline.Produce(["no reading"], partition: 1, topic: "sensors");
        await pipeline.UntilAsync(async () => (await pipeline.GetAsync("api/quarantine?topic=sensors")).ToString().Contains("no reading", StringComparison.Ordinal), "the record is in quarantine");
        await using var tab = await pipeline.OpenAsync("#/quarantine");
        await tab.UntilAsync("document.querySelectorAll('#topics a').length === 3 && !document.querySelector('main').innerText.includes('no reading')", "topics are offered");
        await tab.ValueAsync("[...document.querySelectorAll('#topics a')].find(a => a.innerText === 'sensors').click()");
        await tab.UntilAsync("document.documentElement.dataset.ready === '#/quarantine?topic=sensors' && document.querySelector('main').innerText.includes('no reading')", "the other topic's records show");
        await tab.ValueAsync("[...document.querySelectorAll('tbody tr')].find(r => r.innerText.includes('no reading')).querySelector('input').click()");
        await tab.ValueAsync("document.querySelector('#replay').click()");
        await tab.UntilAsync("document.querySelector('#replay-said').textContent.startsWith('Replay: 1 sent')", "the record is sent again");
        await pipeline.UntilAsync(
            async () => (await pipeline.GetAsync("api/quarantine?topic=sensors")).GetProperty("records").EnumerateArray().Count(r => r.GetProperty("record").ToString().Contains("no reading", StringComparison.Ordinal)) == 2,
            "it comes back under a new offset");
        Assert.Empty(tab.Errors);
    }

    [BrowserFact]
    public async Task Going_away_and_growing_stale_are_said_and_end_by_themselves()
    {
        await using var tab = await pipeline.OpenAsync();
        await tab.OfflineAsync(true);
        await tab.UntilAsync("document.querySelector('#state').textContent === 'away' && !document.querySelector('#trouble').hidden", "the page says that the app is away");
        Assert.True((await tab.ValueAsync("document.querySelectorAll('#figures dd').length")).GetInt32() > 5);
        await tab.OfflineAsync(false);
        await tab.UntilAsync("document.querySelector('#state').textContent === 'running' && document.querySelector('#trouble').hidden", "it goes on");
        await tab.ValueAsync("{ const now = Date.now; Date.now = () => now() + 60000; window.back = () => { Date.now = now; }; }");
        await tab.UntilAsync("document.querySelector('#state').textContent === 'stale' && document.querySelector('#trouble').textContent.includes('Nothing has ticked')", "the page says that figures are old");
        await tab.ValueAsync("window.back()");
        await tab.UntilAsync("document.querySelector('#state').textContent === 'running'");
    }

    private static async Task TabToAsync(Tab tab, string name, bool back = false)
    {
        for (var presses = 0; presses < 400; presses++)
        {
            await tab.KeyAsync("Tab", shift: back);
            if (await FocusedAsync(tab) == name)
            {
                Assert.NotEqual("none", (await tab.ValueAsync("getComputedStyle(document.activeElement).outlineStyle")).GetString());
                return;
            }
        }

        Assert.Fail($"'{name}' cannot be reached by keyboard.");
    }

    private static async Task<string> FocusedAsync(Tab tab) =>
        (await tab.ValueAsync("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText ?? ''")).GetString()!;
}
