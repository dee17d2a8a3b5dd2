using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using NSubstitute;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Scoring;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Http;
using Tidemark.Functions.Scoring;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Configuration;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Triggers;

/// <summary>Time that is turned by hand.</summary>
internal sealed class HandTime : TimeProvider
{
    /// <summary>Event times of tests begin here, two thousand seconds before the clock.</summary>
    public const long Start = 1_700_000_100_000;

    private DateTimeOffset _now = DateTimeOffset.FromUnixTimeMilliseconds(Start + 2_000_000);

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan by) => _now += by;
}

/// <summary>Everything wired as in production, on an emulated storage account, with durable entities in memory and time turned by hand.</summary>
internal sealed class App : IAsyncDisposable
{
    private static int _made;
    private readonly DurableTaskClient _client;

    private readonly Func<Action<IServiceCollection>?, App> _again;

    public App(Azurite azurite, string brokers, Action<IServiceCollection>? more = null, params (string Name, string? Value)[] settings)
        : this(Interlocked.Increment(ref _made), null, azurite, brokers, null, more, settings)
    {
    }

    /// <summary>With a model that scores purchases.</summary>
    public App(IScorer scorer, Azurite azurite, string brokers, params (string Name, string? Value)[] settings)
        : this(Interlocked.Increment(ref _made), null, azurite, brokers, services => services.AddTidemarkScorer(scorer), null, settings)
    {
    }

    private App(
        int number, DurableTaskClient? client, Azurite azurite, string brokers, Action<IServiceCollection>? before, Action<IServiceCollection>? more, (string Name, string? Value)[] settings)
    {
        _again = other => new App(number, _client, azurite, brokers, before, other ?? more, settings);
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(Time);
        before?.Invoke(services);
        services.AddTidemark(TidemarkOptionsTests.Configuration(
        [
            ("AzureWebJobsStorage", azurite.ConnectionString), ("BrokerList", brokers), ("LedgerTable", $"Ledger{number}"), ("LakeContainer", $"lake{number}"),
            ("PipelineVersion", $"v{number}"), ("KafkaTimeout", "2s"), .. settings,
        ]));
        more?.Invoke(services);
        Services = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
        _client = client ?? MemoryEntities.Client(Get<SliceEntity>);
        Entities = (MemoryEntities)_client.Entities;
        Entities.Create = Get<SliceEntity>;
        Context = Substitute.For<FunctionContext>();
        Context.CancellationToken.Returns(CancellationToken.None);
    }

    /// <summary>Another process on the same storage and task hub.</summary>
    /// <param name="other">What it registers in place of what this one does.</param>
    public App Again(Action<IServiceCollection>? other = null) => _again(other);

    public HandTime Time { get; } = new();

    public MemoryEntities Entities { get; }

    public DurableTaskClient Client => _client;

    public ServiceProvider Services { get; }

    public FunctionContext Context { get; }

    public static HttpRequest Request(string query = "")
    {
        var request = new DefaultHttpContext().Request;
        request.QueryString = new QueryString(query);
        return request;
    }

    public T Get<T>() => ActivatorUtilities.CreateInstance<T>(Services);

    public async Task<TReply> Get<T, TReply>(Func<T, Task<IActionResult>> call)
        where TReply : class => Assert.IsType<TReply>(await call(Get<T>()));

    public Task TickAsync() => Get<TickFunction>().RunAsync(new TimerInfo(), _client, Context);

    public async Task<StatusReport> StatusAsync() => JsonSerializer.Deserialize<StatusReport>(
        (await Get<StatusFunction, Reply>(f => f.StatusAsync(Request(), Context))).Body.Span, StatusReport.Json)!;

    public async Task<List<JsonElement>> RowsAsync(string query)
    {
        var reply = await Get<QueriesFunction, Reply>(f => f.RowsAsync(Request("?limit=1000"), query, Context));
        Assert.Equal(200, reply.Status);
        return [.. JsonDocument.Parse(reply.Body).RootElement.GetProperty("rows").EnumerateArray()];
    }

    public async Task<int> CountAsync(string table, int partitions)
    {
        var id = Services.GetRequiredService<PipelineId>();
        var versions = new Dictionary<long, int>();
        for (var partition = 0; partition < partitions; partition++)
            await foreach (var commit in Services.GetRequiredService<ILake>().ReadCommitsAsync(table, id.TableAppId(table, partition), -1, null, default))
                versions[commit.Version] = commit.Rows.Count;
        return versions.Values.Sum();
    }

    public ValueTask DisposeAsync() => Services.DisposeAsync();
}
