using Azure;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>
/// The status of one topic: this process's own when it ticks, else what the ticking instance last wrote, read at most once a second. When storage is
/// away the last known one is given, with the failure in it.
/// </summary>
internal sealed class SourceStatus(HostedSource source, TimeProvider time)
{
    private readonly Shared<StatusReport> _status = new(TimeSpan.FromSeconds(1), time);
    private readonly Shared<StoredView> _view = new(TimeSpan.FromSeconds(5), time);
    private StatusReport? _lastRead;

    public string Name => source.Name;

    public async Task<StatusReport> GetAsync(CancellationToken cancel)
    {
        if (source.Board.HasTicked || source.Board.Current.LastError is not null)
            return source.Board.Current;
        return await _status.GetAsync(ReadAsync, cancel);
    }

    /// <summary>Progress, series, entities and ranges; from another instance they are up to ten seconds old.</summary>
    public async Task<StoredView> ViewAsync(CancellationToken cancel) => source.Board.HasTicked ? Known() : await _view.GetAsync(ReadViewAsync, cancel);

    private async Task<StatusReport> ReadAsync(CancellationToken cancel)
    {
        try
        {
            var read = await source.Status.ReadAsync(cancel) ?? source.Board.Current;
            // The same object while it is the same status.
            return _lastRead is { } last && last.UpdatedAt == read.UpdatedAt && last.Instance == read.Instance ? last : _lastRead = read;
        }
        catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
        {
            return source.Board.Current;
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException)
        {
            return (_lastRead ?? source.Board.Current) with { State = "failing", LastError = new StatusError(time.GetUtcNow(), "status", e.Message.Split('\n')[0]) };
        }
    }

    private async Task<StoredView> ReadViewAsync(CancellationToken cancel)
    {
        try
        {
            return await source.Status.ReadViewAsync(cancel) ?? Known();
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException)
        {
            // The status says that storage is away; what was known here is given on.
            return Known();
        }
    }

    private StoredView Known() => new(source.Operators.View, source.Operators.Progress);
}
