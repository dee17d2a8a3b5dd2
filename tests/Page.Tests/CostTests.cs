using Tidemark.EndToEnd.Running;
using Tidemark.Page.Tests.Live;
using Xunit.Abstractions;

namespace Tidemark.Page.Tests;

/// <summary>What the page takes to load, and pictures of it for docs.</summary>
[Collection(PipelineCollection.Name)]
public sealed class CostTests(Pipeline pipeline, ITestOutputHelper output)
{
    private const int MostBytes = 300 * 1024;

    [BrowserFact]
    public async Task The_first_page_takes_less_than_300_KB_and_paints_within_a_second()
    {
        var paints = new List<double>();
        await using var tab = await pipeline.BlankAsync();
        // The best of three: what else the machine does is not the page's doing.
        for (var load = 0; load < 3; load++)
        {
            tab.Forget();
            await tab.GoAsync($"{pipeline.Address}/#key={pipeline.Key}");
            await tab.UntilAsync("document.documentElement.dataset.ready === '#/' && performance.getEntriesByName('first-contentful-paint').length > 0");
            paints.Add((await tab.ValueAsync("performance.getEntriesByName('first-contentful-paint')[0].startTime")).GetDouble());
            output.WriteLine($"{tab.BytesReceived} bytes, first paint after {paints[^1]:0} ms, figures after {(await tab.ValueAsync("performance.getEntriesByName('shown')[0].startTime")).GetDouble():0} ms");
            Assert.InRange(tab.BytesReceived, 10_000, MostBytes);
        }

        Assert.InRange(paints.Min(), 0, 1000);
        Assert.Empty(tab.Errors);
    }

    [BrowserFact]
    public async Task Pictures_are_made_of_the_running_page_and_docs_has_all_of_them()
    {
        // With this set they replace those in docs.
        var renew = Environment.GetEnvironmentVariable("TIDEMARK_PICTURES") == "1";
        var docs = Path.Combine(Places.Root, "docs/images");
        await using var tab = await pipeline.OpenAsync();
        await tab.UntilAsync("document.querySelectorAll('#charts canvas').length >= 4");
        async Task TakeAsync(string name, int height)
        {
            var picture = await tab.PictureAsync(height);
            Assert.True(picture.Length > 10_000, $"The picture {name} is almost empty.");
            Assert.Equal("PNG", System.Text.Encoding.ASCII.GetString(picture, 1, 3));
            if (renew)
            {
                Directory.CreateDirectory(docs);
                await File.WriteAllBytesAsync(Path.Combine(docs, name), picture);
            }

            Assert.True(File.Exists(Path.Combine(docs, name)), $"docs/images/{name} is missing; run this test with TIDEMARK_PICTURES=1.");
        }

        await TakeAsync("overview.png", 1500);
        await Pipeline.ShowAsync(tab, "#/queries/conversion_funnel");
        await TakeAsync("query.png", 1100);
        await Pipeline.ShowAsync(tab, "#/quarantine");
        await TakeAsync("quarantine.png", 800);
        await tab.DarkAsync(true);
        await Pipeline.ShowAsync(tab, "#/");
        await TakeAsync("overview-dark.png", 1500);
        await tab.SizeAsync(390, 840, phone: true);
        await tab.UntilAsync("document.documentElement.clientWidth === 390");
        await TakeAsync("phone.png", 1600);
        Assert.Empty(tab.Errors);
    }
}
