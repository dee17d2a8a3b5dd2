using System.Diagnostics;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Tidemark.Functions.Costs;
using Tidemark.LocalHost.Processes;

namespace Tidemark.Functions.Tests.Azure;

/// <summary>A real Azurite in memory on free ports, one for all tests of a collection; ended by its process id.</summary>
public sealed class Azurite : IAsyncLifetime
{
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    private Process? _process;
    private int _made;

    /// <summary>Connection string of the well-known development account.</summary>
    public string ConnectionString { get; private set; } = "";

    public CostCounters Counters { get; } = new();

    public TableServiceClient Tables { get; private set; } = null!;

    public BlobServiceClient Blobs { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var script = Path.Combine(Root(), "eng", "node", "node_modules", "azurite", "dist", "src", "azurite.js");
        if (!File.Exists(script))
            throw new FileNotFoundException("Azurite is not installed; run eng/setup.sh.", script);
        var ports = FreePorts.Take(3);
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                script, "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry",
                "--blobPort", $"{ports[0]}", "--queuePort", $"{ports[1]}", "--tablePort", $"{ports[2]}",
            },
        };
        _process = Process.Start(start)!;
        var output = new List<string>();
        var ready = new TaskCompletionSource();
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        if (await Task.WhenAny(ready.Task, Task.Delay(TimeSpan.FromSeconds(60))) != ready.Task)
            throw new TimeoutException("Azurite did not start: " + string.Join(" ", output));
        ConnectionString = $"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={Key};"
            + $"BlobEndpoint=http://127.0.0.1:{ports[0]}/devstoreaccount1;TableEndpoint=http://127.0.0.1:{ports[2]}/devstoreaccount1;";
        var tables = new TableClientOptions();
        tables.AddPolicy(new CountingPolicy(Counters, CountingPolicy.TableKind), global::Azure.Core.HttpPipelinePosition.PerRetry);
        var blobs = new BlobClientOptions();
        blobs.AddPolicy(new CountingPolicy(Counters, CountingPolicy.BlobKind), global::Azure.Core.HttpPipelinePosition.PerRetry);
        Tables = new TableServiceClient(ConnectionString, tables);
        Blobs = new BlobServiceClient(ConnectionString, blobs);

        void Note(string? line)
        {
            lock (output)
            {
                output.Add(line ?? "");
                if (output.Count(l => l.Contains("successfully listen")) == 3)
                    ready.TrySetResult();
            }
        }
    }

    public async Task DisposeAsync()
    {
        if (_process is null)
            return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>A new empty table.</summary>
    public async Task<TableClient> NewTableAsync()
    {
        var table = Tables.GetTableClient($"test{Interlocked.Increment(ref _made)}");
        await table.CreateIfNotExistsAsync();
        return table;
    }

    /// <summary>A new empty container.</summary>
    public BlobContainerClient NewContainer()
    {
        var container = Blobs.GetBlobContainerClient($"test{Interlocked.Increment(ref _made)}");
        container.CreateIfNotExists();
        return container;
    }

    /// <summary>Root of the repository.</summary>
    public static string Root()
    {
        var at = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(at, "Functions.sln")))
            at = Path.GetDirectoryName(at) ?? throw new DirectoryNotFoundException("No Functions.sln above the test's folder.");
        return at;
    }
}

/// <summary>Tests that share one Azurite, each with tables and containers of its own.</summary>
[CollectionDefinition(Name)]
public sealed class AzuriteCollection : ICollectionFixture<Azurite>
{
    public const string Name = "Azurite";
}
