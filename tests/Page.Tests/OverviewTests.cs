using System.Globalization;
using System.Text.Json;
using Tidemark.Page.Tests.Live;
using Xunit.Abstractions;

namespace Tidemark.Page.Tests;

/// <summary>What the first page shows of a running pipeline.</summary>
[Collection(PipelineCollection.Name)]
public sealed class OverviewTests(Pipeline pipeline, ITestOutputHelper output)
{
    [BrowserFact]
    public async Task Every_query_has_a_chart_with_data_and_every_panel_says_something()
    {
        await using var tab = await pipeline.OpenAsync();
        var queries = (await pipeline.GetAsync("api/queries")).EnumerateArray().Where(q => q.GetProperty("sinks").EnumerateArray().Any(s => s.GetString() == "table")).ToList();
        var windows = queries.Where(q => q.GetProperty("kind").GetString() == "window").Select(q => q.GetProperty("name").GetString()!).ToList();
        Assert.Equal(queries.Count, (await tab.ValueAsync("document.querySelectorAll('#charts [data-query]').length")).GetInt32());
        foreach (var name in windows)
        {
            // A query may look for what is rare: then its card says that there is nothing yet.
            if ((await pipeline.GetAsync($"api/queries/{name}")).GetProperty("rows").GetArrayLength() == 0)
            {
                Assert.Contains("No rows yet", await tab.TextAsync($"[data-query=\"{name}\"]"));
                continue;
            }

            // A line is drawn: pixels of a colour are on the canvas, whose axes and grid are grey. Which series' does not matter: equal values cover each other.
            await tab.UntilAsync($$"""
                (() => {
                  const canvas = document.querySelector('[data-query="{{name}}"] canvas');
                  if (!canvas?.width) return false;
                  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                  let strong = 0;
                  for (let i = 0; i < pixels.length; i += 4) strong += pixels[i + 3] > 200 && Math.max(...pixels.slice(i, i + 3)) - Math.min(...pixels.slice(i, i + 3)) > 60;
                  return strong > 8;
                })()
                """, $"the chart of {name} has a line");
            Assert.Matches(@"by window\. Newest: .+ \d", (await tab.ValueAsync($"document.querySelector('[data-query=\"{name}\"] .chart').getAttribute('aria-label')")).GetString()!);
        }

        Assert.True((await tab.ValueAsync("[...document.querySelectorAll('#panels .card')].every(card => card.innerText.trim().split('\\n').length > 1)")).GetBoolean());
        Assert.True((await tab.ValueAsync("document.querySelectorAll('#panels meter').length")).GetInt32() > 10);
        Assert.Contains("still changing", await tab.TextAsync("#charts"));
        Assert.Matches(@"^[\d,]+ sessions? now$", await tab.TextAsync("[data-figure=\"sessions-now\"]"));
        Assert.Equal(6, (await tab.ValueAsync("[...document.querySelectorAll('.flow text')].filter(t => t.textContent.startsWith('partition ')).length")).GetInt32());
    }

    [BrowserFact]
    public async Task Figures_are_those_of_the_API_and_move_on()
    {
        await using var tab = await pipeline.OpenAsync();
        var shown = await FigureAsync(tab, "total");
        Assert.True(shown > 10_000);
        // The same second, as the page itself got it.
        await tab.UntilAsync("""
            (async () => {
              const answer = await (await fetch('api/overview', { headers: { 'x-functions-key': sessionStorage.getItem('key') } })).json();
              const late = Object.entries(answer.status.counts).filter(([n]) => n.startsWith('late/')).reduce((a, [, n]) => a + n, 0);
              const quarantined = Object.entries(answer.status.counts).filter(([n]) => n.startsWith('quarantined/')).reduce((a, [, n]) => a + n, 0);
              const shown = key => document.querySelector(`[data-figure="${key}"] dd`).firstChild.textContent.replaceAll(',', '');
              return shown('total') === String(answer.status.events_in) && shown('late') === String(late) && shown('quarantined') === String(quarantined) && shown('lag') === String(answer.status.lag);
            })()
            """, "the page's figures equal the API's");
        await tab.UntilAsync($"Number(document.querySelector('[data-figure=\"total\"] dd').firstChild.textContent.replaceAll(',', '')) > {shown}", "events are counted on");
    }

    [BrowserFact]
    public async Task Rows_of_closed_windows_on_the_page_are_those_in_Delta()
    {
        await using var tab = await pipeline.OpenAsync("#/queries/category_views");
        var page = (await tab.ValueAsync("""
            [...document.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.innerText)).filter(r => r.at(-1) === 'final')
            """)).EnumerateArray().Select(r => r.EnumerateArray().Select(c => c.GetString()!).ToList()).Where(r => r.Count == 7).ToList();
        Assert.True(page.Count > 20);
        var delta = (await pipeline.DeltaAsync("gold/category_views")).ToDictionary(
            r => (r.GetProperty("window_start").GetDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), r.GetProperty("category").GetString() ?? "–"));
        Assert.All(page, row =>
        {
            var stored = delta[(row[0], row[2])];
            Assert.Equal(
                [stored.GetProperty("view_count").GetInt64(), stored.GetProperty("unique_users").GetInt64(), stored.GetProperty("unique_sessions").GetInt64()],
                row.Skip(3).Take(3).Select(text => long.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture)));
        });
    }

    /// <summary>
    /// Within five seconds where the machine has time: that is two of the page's refreshes, which are two seconds apart, and a tick. Counted in what the
    /// page was told since, so that a busy machine changes nothing.
    /// </summary>
    [BrowserFact]
    public async Task An_alert_is_on_the_page_with_the_second_status_after_its_event()
    {
        await using var tab = await pipeline.OpenAsync();
        await tab.ValueAsync("""
            (() => {
              window.told = [];
              const plain = window.fetch;
              window.fetch = async (...asked) => {
                const answer = await plain(...asked);
                if (answer.status === 200 && String(asked[0]).includes('api/overview')) window.told.push(Date.parse((await answer.clone().json()).status.updated_at));
                return answer;
              };
              new MutationObserver(() => {
                if (!window.alertSeen && document.querySelector('[data-alert="schema-refused"].active')) window.alertSeen = { at: Date.now(), told: [...window.told] };
              }).observe(document.body, { subtree: true, childList: true });
            })()
            """);
        var began = DateTimeOffset.UtcNow;
        pipeline.Produce([JsonSerializer.Serialize(new { schema_version = 99, event_id = "of-an-unknown-version", event_type = "page_view", user_id = "u", timestamp = began })]);
        var delivered = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await tab.UntilAsync("window.alertSeen", "the alert shows");
        var seen = await tab.ValueAsync("window.alertSeen");
        output.WriteLine($"seen {(seen.GetProperty("at").GetInt64() - began.ToUnixTimeMilliseconds()) / 1000.0:0.0} s after the record was sent");
        Assert.InRange(seen.GetProperty("told").EnumerateArray().Count(status => status.GetInt64() > delivered), 0, 2);
        Assert.Contains("warning · schema-refused", await tab.TextAsync(".alerts"));
        Assert.Empty(tab.Errors);
    }

    private static async Task<long> FigureAsync(Browser.Tab tab, string name) =>
        long.Parse((await tab.ValueAsync($"document.querySelector('[data-figure=\"{name}\"] dd').firstChild.textContent")).GetString()!, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
}
