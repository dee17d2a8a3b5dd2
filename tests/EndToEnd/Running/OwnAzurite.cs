using Tidemark.LocalHost.Processes;

namespace Tidemark.EndToEnd.Running;

/// <summary>An Azurite of the test's own, on disk, that can be frozen, and stopped and started again at the same address.</summary>
/// <param name="station">Where its working folder is.</param>
/// <param name="location">Folder of what it holds; null = a temporary one.</param>
internal sealed class OwnAzurite(Station station, string? location = null) : IAsyncDisposable
{
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly int _blobs = FreePorts.Take(), _queues = FreePorts.Take(), _tables = FreePorts.Take();
    private Run? _run;
    private string? _temporary;

    public string ConnectionString =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{_blobs}/{Account};" +
        $"QueueEndpoint=http://127.0.0.1:{_queues}/{Account};TableEndpoint=http://127.0.0.1:{_tables}/{Account};";

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync()
    {
        // Away from the station's folder, so that the station does not take it for something the host left behind.
        _temporary ??= location is null ? Directory.CreateTempSubdirectory("tidemark-azurite-").FullName : null;
        _run = new Run("node",
            [
                Path.Combine(Places.Root, "eng/node/node_modules/azurite/dist/src/azurite.js"), "--location", location ?? _temporary!, "--silent", "--skipApiVersionCheck",
                "--disableTelemetry", "--blobPort", $"{_blobs}", "--queuePort", $"{_queues}", "--tablePort", $"{_tables}",
            ],
            new Dictionary<string, string>(), station.Folder);
        foreach (var port in (int[])[_blobs, _queues, _tables])
            Assert.True(await _run.AnswersAsync(port, Limit), _run.Transcript());
    }

    public bool HasEnded => _run!.HasEnded;

    /// <summary>The command and the last it printed.</summary>
    public string Transcript() => _run!.Transcript();

    public void Freeze() => _run!.Send(Signals.Stop);

    public void Thaw() => _run!.Send(Signals.Continue);

    /// <summary>Ends it as an operator would; what it holds is on disk afterwards.</summary>
    public async Task StopAsync()
    {
        _run!.Send(Signals.Terminate);
        await _run.EndAsync(Limit);
    }

    public async ValueTask DisposeAsync()
    {
        if (_run is not null)
        {
            Thaw();
            await _run.DisposeAsync();
        }
        if (_temporary is not null)
            Directory.Delete(_temporary, recursive: true);
    }

}
