using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace Tidemark.Page.Tests.Browser;

/// <summary>A headless browser of its own, spoken to by the DevTools protocol; ends, with its profile, with this object.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private readonly string _profile;
    private readonly Process _process;
    private readonly HttpClient _http;

    private Chromium(Process process, string profile, Uri address) =>
        (_process, _profile, _http) = (process, profile, new HttpClient { BaseAddress = address });

    /// <summary>Where the browser is; null where there is none.</summary>
    public static string? Program { get; } =
        new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    public static async Task<Chromium> StartAsync()
    {
        var profile = Directory.CreateTempSubdirectory("tidemark-chromium-").FullName;
        var start = new ProcessStartInfo(Program!)
        {
            ArgumentList =
            {
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--mute-audio",
                "--disable-background-networking", "--remote-debugging-port=0", "--remote-allow-origins=*", $"--user-data-dir={profile}", "about:blank",
            },
            RedirectStandardError = true, RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var file = Path.Combine(profile, "DevToolsActivePort");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        // The first line of the file is the port; it is written once the browser listens.
        while (!File.Exists(file) || (await File.ReadAllLinesAsync(file, limit.Token)) is not [var port, _, ..] || !int.TryParse(port, out _))
            await Task.Delay(50, limit.Token);
        return new Chromium(process, profile, new Uri($"http://127.0.0.1:{File.ReadAllLines(file)[0]}"));
    }

    /// <summary>A new tab with storage of its own, at the size of a desktop's window.</summary>
    public async Task<Tab> OpenAsync()
    {
        using var answer = await _http.PutAsync("/json/new?about:blank", null);
        var target = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return await Tab.AttachAsync(new Uri(target.GetProperty("webSocketDebuggerUrl").GetString()!));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        for (var attempt = 0; Directory.Exists(_profile); attempt++)
        {
            try
            {
                Directory.Delete(_profile, recursive: true);
            }
            catch (IOException) when (attempt < 50)
            {
                await Task.Delay(100);
            }
        }
    }
}
