using System.Net;
using System.Text;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Schemas;
using Tidemark.Functions.Schemas;

namespace Tidemark.Functions.Tests.Schemas;

/// <summary>Against a registry of the test's own, on a real socket.</summary>
public sealed class SchemaRegistryTests : IAsyncLifetime
{
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, (int Status, string Body)> _answers = [];
    private readonly List<string> _asked = [];
    private readonly EventSchemas _schemas = new() { HasRegistry = true };
    private SchemaRegistry _registry = null!;
    private Task _serving = Task.CompletedTask;

    [Fact]
    public async Task Each_schema_that_records_name_is_asked_for_once_and_known_by_its_kind()
    {
        _answers["/schemas/ids/1"] = (200, """{"schemaType":"JSON","schema":"{\"required\":[\"event_id\"]}"}""");
        _answers["/schemas/ids/2"] = (200, """{"schema":"\"string\""}""");
        await _registry.PrepareAsync([Framed(1), Framed(2), Framed(1), Plain(), Tombstone()], default);
        await _registry.PrepareAsync([Framed(1), Framed(2)], default);
        Assert.Equal(["/schemas/ids/1", "/schemas/ids/2"], _asked.Order());
        Assert.True(_schemas.Knows(1) && _schemas.Knows(2));
    }

    [Fact]
    public async Task A_registry_that_fails_fails_the_batch_and_the_next_try_asks_again()
    {
        _answers["/schemas/ids/3"] = (500, "");
        var e = await Assert.ThrowsAsync<HttpRequestException>(async () => await _registry.PrepareAsync([Framed(3)], default));
        Assert.Contains("answered 500 for schema 3", e.Message);
        _answers["/schemas/ids/3"] = (200, """{"schemaType":"PROTOBUF","schema":""}""");
        await _registry.PrepareAsync([Framed(3)], default);
        Assert.True(_schemas.Knows(3));
    }

    [Fact]
    public async Task A_schema_that_is_not_there_is_left_unknown_and_not_asked_for_by_every_batch()
    {
        await _registry.PrepareAsync([Framed(4)], default);
        await _registry.PrepareAsync([Framed(4)], default);
        Assert.Equal(["/schemas/ids/4"], _asked);
        Assert.False(_schemas.Knows(4));
    }

    public Task InitializeAsync()
    {
        using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            _listener.Prefixes.Add($"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/");
        }
        _listener.Start();
        _serving = ServeAsync();
        _registry = new SchemaRegistry(SchemaRegistry.Client(new Uri(_listener.Prefixes.First()), "user", "secret"), _schemas, TimeProvider.System);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            var path = context.Request.Url!.AbsolutePath;
            _asked.Add(path);
            var signedIn = context.Request.Headers["Authorization"] == "Basic " + Convert.ToBase64String("user:secret"u8);
            var (status, body) = !signedIn ? (401, "") : _answers.TryGetValue(path, out var answer) ? answer : (404, """{"error_code":40403}""");
            context.Response.StatusCode = status;
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
            context.Response.Close();
        }
    }

    private static SourceRecord Framed(byte id) => new(0, 0, null, [0, 0, 0, 0, id, (byte)'{', (byte)'}'], []);

    private static SourceRecord Plain() => new(0, 0, null, "{}"u8.ToArray(), []);

    private static SourceRecord Tombstone() => new(0, 0, null, null, []);
}
