using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Page.Tests.Browser;

/// <summary>One tab: navigation, scripts, keys, pictures; and what it said to the console and asked of the network.</summary>
internal sealed class Tab : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _waiting = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentDictionary<string, long> _received = new();
    private readonly ConcurrentQueue<string> _addresses = new();
    private readonly CancellationTokenSource _ending = new();
    private Task _reading = Task.CompletedTask;
    private int _last;

    /// <summary>Errors of the console, exceptions nobody caught, and what the content policy refused.</summary>
    public IReadOnlyList<string> Errors => [.. _errors];

    /// <summary>Addresses asked for, in order.</summary>
    public IReadOnlyList<string> Addresses => [.. _addresses];

    /// <summary>Bytes that came over the network, headers included.</summary>
    public long BytesReceived => _received.Values.Sum();

    public static async Task<Tab> AttachAsync(Uri address)
    {
        var tab = new Tab();
        await tab._socket.ConnectAsync(address, default);
        tab._reading = tab.ReadAsync();
        foreach (var domain in new[] { "Page", "Runtime", "Log", "Network" })
            await tab.SendAsync(domain + ".enable");
        await tab.SizeAsync(1400, 1000);
        return tab;
    }

    /// <summary>Forgets what was recorded.</summary>
    public void Forget()
    {
        _errors.Clear();
        _received.Clear();
        _addresses.Clear();
    }

    public Task SizeAsync(int width, int height, bool phone = false) => SendAsync("Emulation.setDeviceMetricsOverride", new JsonObject
    {
        ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = phone,
    });

    public Task DarkAsync(bool dark) => SendAsync("Emulation.setEmulatedMedia", new JsonObject
    {
        ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }),
    });

    public Task OfflineAsync(bool offline) => SendAsync("Network.emulateNetworkConditions", new JsonObject
    {
        ["offline"] = offline, ["latency"] = 0, ["downloadThroughput"] = -1, ["uploadThroughput"] = -1,
    });

    /// <summary>Loads an address afresh, past every cache.</summary>
    public async Task GoAsync(string address)
    {
        await SendAsync("Page.navigate", new JsonObject { ["url"] = "about:blank" });
        await SendAsync("Network.setCacheDisabled", new JsonObject { ["cacheDisabled"] = true });
        await SendAsync("Page.navigate", new JsonObject { ["url"] = address });
    }

    /// <summary>The value of an expression, promises awaited; fails with the exception of the script.</summary>
    public async Task<JsonElement> ValueAsync(string expression)
    {
        var answer = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["awaitPromise"] = true, ["returnByValue"] = true });
        if (answer.TryGetProperty("exceptionDetails", out var failure))
            throw new InvalidOperationException($"{expression}: {failure}");
        return answer.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    private async Task<bool> HoldsAsync(string expression)
    {
        try
        {
            return (await ValueAsync($"(async () => {{ try {{ return !!(await ({expression})); }} catch {{ return false; }} }})()")).ValueKind == JsonValueKind.True;
        }
        catch (InvalidOperationException)
        {
            // The page that was asked went away with its script.
            return false;
        }
    }

    public async Task<string> TextAsync(string selector) =>
        (await ValueAsync($"document.querySelector({JsonSerializer.Serialize(selector)})?.innerText ?? ''")).GetString()!;

    /// <summary>Waits until an expression (or the promise that it is) is true; one that fails, as while another page is loaded, is not.</summary>
    public async Task UntilAsync(string expression, string? what = null)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await HoldsAsync(expression))
        {
            if (Stopwatch.GetElapsedTime(began) > Limit)
                Assert.Fail($"{await TextAsync("body")}\n{string.Join('\n', _errors)}\nWithin {Limit} it did not happen that {what ?? expression}; the page is above.");
            await Task.Delay(100);
        }
    }

    /// <summary>Presses and releases a key, e.g. <c>Tab</c>, <c>Enter</c>, <c> </c>.</summary>
    public async Task KeyAsync(string key, bool shift = false)
    {
        var (code, text) = key switch { "Tab" => (9, null), "Enter" => (13, "\r"), " " => (32, " "), "ArrowDown" => (40, null), _ => (0, (string?)key) };
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            var press = new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key == " " ? "Space" : key, ["windowsVirtualKeyCode"] = code, ["modifiers"] = shift ? 8 : 0 };
            if (text is not null && type == "keyDown")
                press["text"] = text;
            await SendAsync("Input.dispatchKeyEvent", press);
        }
    }

    /// <summary>Types text into what has the focus.</summary>
    public Task TypeAsync(string text) => SendAsync("Input.insertText", new JsonObject { ["text"] = text });

    /// <summary>A picture of the whole page, or of its first part, as PNG.</summary>
    public async Task<byte[]> PictureAsync(int? height = null)
    {
        var size = await ValueAsync("({ width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight })");
        var answer = await SendAsync("Page.captureScreenshot", new JsonObject
        {
            ["format"] = "png", ["captureBeyondViewport"] = true,
            ["clip"] = new JsonObject
            {
                ["x"] = 0, ["y"] = 0, ["width"] = size.GetProperty("width").GetInt32(), ["height"] = Math.Min(height ?? int.MaxValue, size.GetProperty("height").GetInt32()), ["scale"] = 1,
            },
        });
        return answer.GetProperty("data").GetBytesFromBase64();
    }

    public async ValueTask DisposeAsync()
    {
        if (_socket.State == WebSocketState.Open)
            await SendAsync("Page.close");
        await _ending.CancelAsync();
        await _reading;
        _socket.Dispose();
        _ending.Dispose();
    }

    private async Task<JsonElement> SendAsync(string method, JsonObject? parameters = null)
    {
        var id = Interlocked.Increment(ref _last);
        var answer = _waiting[id] = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] });
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Text, true, default);
        }
        finally
        {
            _sending.Release();
        }

        return await answer.Task.WaitAsync(Limit);
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (_socket.State == WebSocketState.Open)
            {
                using var message = new MemoryStream();
                WebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer, _ending.Token);
                    message.Write(buffer, 0, part.Count);
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close)
                    break;
                using var json = JsonDocument.Parse(message.ToArray());
                Take(json.RootElement.Clone());
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // The tab was closed.
        }

        foreach (var waiting in _waiting.Values)
            waiting.TrySetResult(default);
    }

    private void Take(JsonElement message)
    {
        if (message.TryGetProperty("id", out var id))
        {
            if (_waiting.TryRemove(id.GetInt32(), out var waiting))
            {
                if (message.TryGetProperty("error", out var error))
                    waiting.TrySetException(new InvalidOperationException(error.ToString()));
                else
                    waiting.TrySetResult(message.GetProperty("result"));
            }

            return;
        }

        var data = message.GetProperty("params");
        switch (message.GetProperty("method").GetString())
        {
            case "Runtime.exceptionThrown":
                _errors.Enqueue(data.GetProperty("exceptionDetails").ToString());
                break;
            case "Runtime.consoleAPICalled" when data.GetProperty("type").GetString() is "error" or "assert":
                _errors.Enqueue(data.GetProperty("args").ToString());
                break;
            case "Log.entryAdded" when data.GetProperty("entry").GetProperty("level").GetString() == "error":
                _errors.Enqueue(data.GetProperty("entry").ToString());
                break;
            case "Network.requestWillBeSent":
                _addresses.Enqueue(data.GetProperty("request").GetProperty("url").GetString()!);
                break;
            case "Network.loadingFinished":
                _received[data.GetProperty("requestId").GetString()!] = (long)data.GetProperty("encodedDataLength").GetDouble();
                break;
        }
    }
}
