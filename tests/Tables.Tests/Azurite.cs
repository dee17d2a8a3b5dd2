using System.Diagnostics;
using Tidemark.LocalHost.Processes;

namespace Tidemark.Tests;

/// <summary>One of Azurite's services, in memory on a free port.</summary>
public sealed class Azurite(string service) : IAsyncDisposable
{
    public const string Account = "devstoreaccount1";

    /// <summary>The emulator's key is documented and the same everywhere.</summary>
    public const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private Process? process;

    public Uri Endpoint { get; private set; } = null!;

    /// <param name="service">"table" or "blob".</param>
    public static async Task<Azurite> StartAsync(string service)
    {
        var azurite = new Azurite(service);
        await azurite.StartAsync();
        return azurite;
    }

    public async ValueTask DisposeAsync()
    {
        if (process is null)
            return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task StartAsync()
    {
        // Another program can take the port between the look and the start; then the process ends and another port is tried.
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePorts.Take();
            Endpoint = new Uri($"http://127.0.0.1:{port}/{Account}");
            process = Process.Start(new ProcessStartInfo("node")
            {
                ArgumentList =
                {
                    Path.Combine(Root(), $"eng/node/node_modules/azurite/dist/src/{service}/main.js"), $"--{service}Port", $"{port}",
                    "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry",
                },
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }) ?? throw new InvalidOperationException("node did not start; is it on the PATH?");
            var errors = process.StandardError.ReadToEndAsync();
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (!line.Contains("successfully", StringComparison.Ordinal))
                    continue;
                _ = process.StandardOutput.ReadToEndAsync();
                return;
            }

            if (attempt == 3)
                throw new InvalidOperationException($"Azurite did not start; run eng/setup.sh first. It said: {await errors}");
        }
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Functions.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Functions.sln is not above the tests.");
        return folder;
    }
}
