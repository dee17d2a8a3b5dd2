using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Logging;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Results;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Triggers;

/// <summary>
/// Makes the container and the tables that are missing (in Table storage and, empty, in the lake), once per process and before the first use. While storage is away it fails and the next
/// run of the function tries again, so the app needs no restart.
/// </summary>
public sealed class Preparation : IDisposable
{
    private readonly TidemarkOptions _options;
    private readonly HostedPipelines _pipelines;
    private readonly TableServiceClient _tables;
    private readonly ResultTables _results;
    private readonly BlobServiceClient _blobs;
    private readonly LakeTables _lake;
    private readonly ILogger<Preparation> _logger;
    private readonly SemaphoreSlim _one = new(1);
    private volatile bool _isDone;

    internal Preparation(TidemarkOptions options, HostedPipelines pipelines, TableServiceClient tables, ResultTables results, BlobServiceClient blobs, LakeTables lake, ILogger<Preparation> logger) =>
        (_options, _pipelines, _tables, _results, _blobs, _lake, _logger) = (options, pipelines, tables, results, blobs, lake, logger);

    public void Dispose() => _one.Dispose();

    public async Task EnsureAsync(CancellationToken cancel)
    {
        if (_isDone)
            return;
        await _one.WaitAsync(cancel);
        try
        {
            if (_isDone)
                return;
            await Task.WhenAll(
            [
                _tables.CreateTableIfNotExistsAsync(_options.LedgerTable, cancel),
                _blobs.GetBlobContainerClient(_options.LakeContainer).CreateIfNotExistsAsync(cancellationToken: cancel),
                .. Results().Select(table => _results.Service.CreateTableIfNotExistsAsync(table, cancel)),
            ]);
            // A reader finds every table from the first start on, also one that may stay empty for long, such as late rows.
            await Task.WhenAll(_lake.Names.Select(name => _lake[name].CreateAsync(cancel).AsTask()));
            _logger.LogInformation("Pipelines {Pipelines}: ledger {Ledger} in {Tables}, results in {Results}, lake {Lake} in {Blobs}.", string.Join(", ", _pipelines.All.Select(h => h.Id)), _options.LedgerTable, _options.Tables, _options.Results, _options.LakeContainer, _options.Lake);
            _isDone = true;
        }
        finally
        {
            _one.Release();
        }
    }

    private IEnumerable<string> Results() =>
    [
        .. _pipelines.Outputs.Select(output => ResultKeys.Table(output.Name)),
        .. _pipelines.All.SelectMany(h => h.Pipeline.Streams).Where(stream => stream.IndexBy is not null).Select(stream => ResultKeys.IndexTable(stream.Name, stream.IndexBy!)),
    ];
}
