using Microsoft.Extensions.Logging;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Catalogs;

/// <summary>
/// Keeps the catalog of this process up to date: the first batch waits for it, later ones only cause it to be looked at again in the background. When that
/// fails the last version stays, and an alert says so at every look until one succeeds.
/// </summary>
internal sealed class CatalogRefresher(
    ICatalogSource source, EnrichmentOptions enrichment, CatalogOptions options, IAlerts alerts, TimeProvider time, ILogger<CatalogRefresher> logger) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1, 1);
    private string? _mark;
    private long _lookedAt;
    private bool _hasLooked;
    private Task _look = Task.CompletedTask;

    /// <summary>Whether events may be enriched now; see <see cref="IngestOptions.IsReady"/>.</summary>
    public async ValueTask<bool> IsReadyAsync(CancellationToken cancel)
    {
        if (_hasLooked && time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) < options.Refresh)
            return IsUsable;
        if (enrichment.Current is null)
        {
            await LookAsync(cancel);
            return IsUsable;
        }

        if (_look.IsCompleted)
            _look = LookAsync(CancellationToken.None);
        return true;
    }

    public void Dispose() => _one.Dispose();

    private bool IsUsable => enrichment.Current is not null || options.Start == CatalogStart.Nulls;

    /// <summary>Reads the catalog if it has changed. Never throws but for cancellation.</summary>
    private async Task LookAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (_hasLooked && time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) < options.Refresh)
                return;
            if (await source.ReadAsync(_mark, cancel) is { } loaded)
            {
                _mark = loaded.Mark;
                if (enrichment.Current?.Version != loaded.Catalog.Version)
                    logger.LogInformation("Catalog {Name}: version {Version}, {Count} products, {Bytes} bytes.", source.Name, loaded.Catalog.Version, loaded.Catalog.Count, loaded.Catalog.Bytes);
                enrichment.Current = loaded.Catalog;
            }

            Looked();
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            Looked();
            await TryAlertAsync(e, cancel);
        }
        finally
        {
            _one.Release();
        }
    }

    private void Looked()
    {
        Interlocked.Exchange(ref _lookedAt, time.GetTimestamp());
        _hasLooked = true;
    }

    private async Task TryAlertAsync(Exception why, CancellationToken cancel)
    {
        var meanwhile = enrichment.Current is { } current ? $"Version {current.Version} stays in use."
            : options.Start == CatalogStart.Nulls ? "Events are enriched with nulls until it is there." : "Reading waits until it is there.";
        var text = $"The catalog {source.Name} could not be read: {why.Message.Split('\n')[0].Trim()} {meanwhile}";
        try
        {
            await alerts.RaiseAsync("catalog-unavailable", source.Name, text, cancel);
        }
        catch (Exception e) when (e is Azure.RequestFailedException or AggregateException or IOException)
        {
            logger.LogError("{Text} (The alert could not be stored: {Reason})", text, e.Message.Split('\n')[0]);
        }
    }
}
