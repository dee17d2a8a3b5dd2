using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Azure.Data.Tables;

namespace Tidemark.Tables.Tests;

/// <summary>A real Table service in memory on a free port, one for the whole run.</summary>
public sealed class Azurite : IAsyncLifetime
{
    private const string Account = "devstoreaccount1";
    public const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private Process? process;
    private int tables;

    public Uri Endpoint { get; private set; } = null!;

    public string ConnectionString => $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};TableEndpoint={Endpoint};";

    public TableServiceClient Service => new(ConnectionString);

    /// <summary>A new, empty table.</summary>
    public async Task<TableClient> TableAsync()
    {
        var table = Service.GetTableClient($"Test{Interlocked.Increment(ref tables)}");
        await table.CreateAsync();
        return table;
    }

    public async Task InitializeAsync()
    {
        // Another program can take the port between the look and the start; then the process ends and another port is tried.
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            Endpoint = new Uri($"http://127.0.0.1:{port}/{Account}");
            process = Process.Start(new ProcessStartInfo("node")
            {
                ArgumentList =
                {
                    Path.Combine(Root(), "eng/node/node_modules/azurite/dist/src/table/main.js"), "--tablePort", $"{port}",
                    "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry",
                },
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }) ?? throw new InvalidOperationException("node did not start; is it on the PATH?");
            var errors = process.StandardError.ReadToEndAsync();
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (!line.Contains("successfully started", StringComparison.Ordinal))
                    continue;
                _ = process.StandardOutput.ReadToEndAsync();
                return;
            }

            if (attempt == 3)
                throw new InvalidOperationException($"Azurite did not start; run eng/setup.sh first. It said: {await errors}");
        }
    }

    public async Task DisposeAsync()
    {
        if (process is null)
            return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Functions.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Functions.sln is not above the tests.");
        return folder;
    }
}

[CollectionDefinition(nameof(Azurite))]
public sealed class AzuriteTests : ICollectionFixture<Azurite>;
