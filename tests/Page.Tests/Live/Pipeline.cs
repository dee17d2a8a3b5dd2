using System.Text.Json;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Processes;
using Tidemark.Native;
using Tidemark.Page.Tests.Browser;

namespace Tidemark.Page.Tests.Live;

/// <summary>The real program with the simulated shop, and a browser, for all tests of this project; both are ended by their ids.</summary>
public sealed class Pipeline : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private readonly string _folder = Directory.CreateTempSubdirectory("tidemark-page-").FullName;
    private readonly int _port = FreePorts.Take();
    private Run? _run;
    private Chromium? _browser;

    /// <summary>Why the tests cannot run here; null where they can.</summary>
    public static string? Obstacle { get; } = Chromium.Program is null ? "There is no Chromium on this machine; eng/setup.sh installs it on Debian." : null;

    internal string Key { get; private set; } = "";

    internal string Address => $"http://127.0.0.1:{_port}";

    internal string Brokers { get; private set; } = "";

    internal HttpClient Http { get; private set; } = new();

    public async Task InitializeAsync()
    {
        if (Obstacle is not null)
            return;
        var environment = new Dictionary<string, string> { ["DeltaInterval"] = "1s", ["CheckpointInterval"] = "5s" };
        _run = new Run(Places.Program, ["--rate", "20", "--data", Path.Combine(_folder, "data"), "--port", $"{_port}"], environment, _folder);
        Assert.True(await _run.AnswersAsync(_port, Limit), _run.Transcript());
        await UntilAsync(() => Task.FromResult(_run.Output.Contains("Kafka 127", StringComparison.Ordinal)), "the program says where Kafka is");
        Key = Regex.Match(_run.Output, "#key=([0-9a-f]+)").Groups[1].Value;
        Brokers = Regex.Match(_run.Output, @"Kafka (127\.0\.0\.1:\d+)").Groups[1].Value;
        Http = new HttpClient { BaseAddress = new Uri(Address), DefaultRequestHeaders = { { "x-functions-key", Key } } };
        // History is in and its windows are closed: the shop's clock has reached ours.
        await UntilAsync(async () => await GetAsync("api/status") is { ValueKind: JsonValueKind.Object } status
            && status.GetProperty("frontier").ValueKind == JsonValueKind.String && DateTimeOffset.UtcNow - status.GetProperty("frontier").GetDateTimeOffset() < TimeSpan.FromMinutes(1)
            && status.GetProperty("lag").GetInt64() < 200, "the history is processed");
        _browser = await Chromium.StartAsync();
    }

    /// <summary>A tab at a page of the running program, shown with its first figures.</summary>
    internal async Task<Tab> OpenAsync(string page = "#/")
    {
        var tab = await _browser!.OpenAsync();
        await tab.GoAsync($"{Address}/#key={Key}");
        await tab.UntilAsync("document.documentElement.dataset.ready === '#/'", "the overview shows");
        if (page != "#/")
            await ShowAsync(tab, page);
        return tab;
    }

    /// <summary>A tab at nothing yet.</summary>
    internal Task<Tab> BlankAsync() => _browser!.OpenAsync();

    /// <summary>Goes to another page of the same tab.</summary>
    internal static async Task ShowAsync(Tab tab, string page)
    {
        await tab.ValueAsync($"location.hash = {JsonSerializer.Serialize(page)}");
        await tab.UntilAsync($"document.documentElement.dataset.ready === {JsonSerializer.Serialize(page)}", $"{page} shows");
    }

    /// <summary>An answer of the API; nothing when it failed.</summary>
    internal async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await Http.GetAsync(path);
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync()).RootElement : default;
    }

    /// <summary>Produces records to a topic, all to one partition.</summary>
    internal void Produce(IEnumerable<string> values, int partition = 0, string topic = "events")
    {
        NativeKafka.Load();
        using var producer = new ProducerBuilder<byte[]?, byte[]>(new ProducerConfig { BootstrapServers = Brokers, EnableIdempotence = true }).Build();
        foreach (var value in values)
            producer.Produce(new TopicPartition(topic, partition), new Message<byte[]?, byte[]> { Value = System.Text.Encoding.UTF8.GetBytes(value) });
        producer.Flush(TimeSpan.FromSeconds(30));
    }

    /// <summary>Rows of a Delta table, as the command line reads them.</summary>
    internal async Task<IReadOnlyList<JsonElement>> DeltaAsync(string table)
    {
        await using var show = new Run(Places.Program, ["show", table, "--limit", "100000", "--data", Path.Combine(_folder, "data")], new Dictionary<string, string>(), _folder);
        Assert.True(await show.EndAsync(Limit) == 0, show.Transcript());
        return [.. show.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    /// <summary>Exit code and output of <c>status</c>, on this pipeline's folder unless the arguments name another.</summary>
    internal async Task<(int Code, string Output)> StatusAsync(params string[] arguments)
    {
        var all = arguments.Contains("--data") ? arguments : [.. arguments, "--data", Path.Combine(_folder, "data")];
        await using var status = new Run(Places.Program, ["status", .. all], new Dictionary<string, string>(), _folder);
        return (await status.EndAsync(Limit), status.Output);
    }

    internal async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            if (limit.IsCancellationRequested || _run!.HasEnded)
                Assert.Fail($"It did not happen that {what}.\n{_run!.Transcript()}");
            await Task.Delay(200);
        }
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        if (_run is not null)
        {
            _run.Send(Signals.Terminate);
            await _run.EndAsync(TimeSpan.FromMinutes(1));
            await _run.DisposeAsync();
        }

        foreach (var (id, _) in Signals.WorkingIn(_folder))
            Signals.Send(id, Signals.Kill);
        Http.Dispose();
        for (var attempt = 0; Directory.Exists(_folder); attempt++)
        {
            try
            {
                Directory.Delete(_folder, recursive: true);
            }
            catch (IOException) when (attempt < 50)
            {
                await Task.Delay(100);
            }
        }
    }
}

/// <summary>Tests that share the pipeline run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class PipelineCollection : ICollectionFixture<Pipeline>
{
    public const string Name = "pipeline";
}

/// <summary>A test that needs a browser; skipped, with the reason, where there is none.</summary>
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Pipeline.Obstacle;
}
