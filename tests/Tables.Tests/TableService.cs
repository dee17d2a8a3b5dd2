using Azure.Data.Tables;
using Tidemark.Tests;

namespace Tidemark.Tables.Tests;

/// <summary>A real Table service, one for the whole run.</summary>
public sealed class TableService : IAsyncLifetime
{
    private Azurite azurite = null!;
    private int tables;

    public TableServiceClient Client => new(
        $"DefaultEndpointsProtocol=http;AccountName={Azurite.Account};AccountKey={Azurite.Key};TableEndpoint={azurite.Endpoint};");

    /// <summary>A new, empty table.</summary>
    public async Task<TableClient> TableAsync()
    {
        var table = Client.GetTableClient($"Test{Interlocked.Increment(ref tables)}");
        await table.CreateAsync();
        return table;
    }

    public async Task InitializeAsync() => azurite = await Azurite.StartAsync("table");

    public async Task DisposeAsync() => await azurite.DisposeAsync();
}

[CollectionDefinition(nameof(TableService))]
public sealed class TableServiceTests : ICollectionFixture<TableService>;
