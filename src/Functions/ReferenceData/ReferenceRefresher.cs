using Microsoft.Extensions.Logging;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.ReferenceData;

/// <summary>
/// Keeps a table of reference data of this process up to date: the first batch waits for it, later ones only cause it to be looked at again in the background. When that
/// fails the last version stays, and an alert says so at every look until one succeeds; another names records that were refused while the rest is in use.
/// </summary>
internal sealed class ReferenceRefresher(
    IReferenceSource source, Reference reference, ReferenceOptions options, IAlerts alerts, TimeProvider time, ILogger<ReferenceRefresher> logger) : IDisposable
{
    private const string UnavailableAlert = "catalog-unavailable";

    private readonly SemaphoreSlim _one = new(1, 1);
    private string? _mark;
    private long _lookedAt;
    private bool _hasLooked;
    private bool _isUnavailable;
    private Task _look = Task.CompletedTask;

    /// <summary>Whether events may be enriched now; see <see cref="IngestOptions.IsReady"/>.</summary>
    public async ValueTask<bool> IsReadyAsync(CancellationToken cancel)
    {
        if (_hasLooked && time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) < options.Refresh)
            return IsUsable;
        if (reference.Current is null)
        {
            await LookAsync(cancel);
            return IsUsable;
        }

        if (_look.IsCompleted)
            _look = LookAsync(CancellationToken.None);
        return true;
    }

    /// <summary>Reads the table, in a process that has not yet: what is wrong when reading would have to wait for it, else null. Raises no alert.</summary>
    public async Task<string?> CheckAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            await ReadAsync(cancel);
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            return IsUsable ? null : Refused(e);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _one.Dispose();
        (source as IDisposable)?.Dispose();
    }

    private bool IsUsable => reference.Current is not null || options.Start == CatalogStart.Nulls;

    /// <summary>Reads the table if it has changed. Never throws but for cancellation.</summary>
    private async Task LookAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (_hasLooked && time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) < options.Refresh)
                return;
            await ReadAsync(cancel);
            Looked();
            if (_isUnavailable)
                await TryAsync(() => alerts.WithdrawAsync(UnavailableAlert, source.Name, cancel), $"The {reference.Schema.Title} {source.Name} can be read again.");
            _isUnavailable = false;
            if (source.Complaint is { } complaint)
                await TryRaiseAsync("reference-refused", $"Of the {reference.Schema.Title} {source.Name} {complaint} The rows stay as they were; the next good record of a key mends it.", cancel);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            Looked();
            _isUnavailable = true;
            await TryRaiseAsync(UnavailableAlert, Unavailable(e), cancel);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task ReadAsync(CancellationToken cancel)
    {
        if (await source.ReadAsync(_mark, cancel) is not { } loaded)
            return;
        _mark = loaded.Mark;
        if (reference.Current?.Version != loaded.Table.Version)
            logger.LogInformation("The {Title} {Name}: version {Version}, {Count} rows, {Bytes} bytes.", reference.Schema.Title, source.Name, loaded.Table.Version, loaded.Table.Count, loaded.Table.Bytes);
        if (loaded.Table.Repeated is { Rows: > 0 } repeated && reference.Current?.Repeated != repeated)
        {
            logger.LogWarning("Rows of the {Title} {Name} whose {Key} came in it before: {Rows}, the first of them of '{First}'; the last row of each counts.",
                reference.Schema.Title, source.Name, reference.Schema.Key, repeated.Rows, repeated.First);
        }

        reference.Current = loaded.Table;
    }

    private void Looked()
    {
        Interlocked.Exchange(ref _lookedAt, time.GetTimestamp());
        _hasLooked = true;
    }

    private string Unavailable(Exception why)
    {
        var meanwhile = reference.Current is { } current ? $"Version {current.Version} stays in use."
            : options.Start == CatalogStart.Nulls ? "Events are enriched with nulls until it is there." : "Reading waits until it is there.";
        return $"{Refused(why)} {meanwhile}";
    }

    private string Refused(Exception why) => $"The {reference.Schema.Title} {source.Name} could not be read: {why.Message.Split('\n')[0].Trim()}";

    private Task TryRaiseAsync(string alert, string text, CancellationToken cancel) => TryAsync(() => alerts.RaiseAsync(alert, source.Name, text, cancel), text);

    private async Task TryAsync(Func<Task> store, string text)
    {
        try
        {
            await store();
        }
        catch (Exception e) when (e is Azure.RequestFailedException or AggregateException or IOException)
        {
            logger.LogError("{Text} (The alert could not be stored: {Reason})", text, e.Message.Split('\n')[0]);
        }
    }
}
