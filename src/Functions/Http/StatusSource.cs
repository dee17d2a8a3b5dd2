using Azure;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>
/// The pipeline's status: this process's own when it ticks, else what the ticking instance last wrote, read at most once a second. When storage is
/// away the last known one is given, with the failure in it.
/// </summary>
public sealed class StatusSource
{
    private readonly StatusBoard _board;
    private readonly OperatorBoard _operators;
    private readonly StatusStore _store;
    private readonly TimeProvider _time;
    private readonly Shared<StatusReport> _status;
    private readonly Shared<StoredView> _view;
    private StatusReport? _lastRead;

    internal StatusSource(StatusBoard board, OperatorBoard operators, StatusStore store, TimeProvider time)
    {
        (_board, _operators, _store, _time) = (board, operators, store, time);
        _status = new Shared<StatusReport>(TimeSpan.FromSeconds(1), time);
        _view = new Shared<StoredView>(TimeSpan.FromSeconds(5), time);
    }

    public async Task<StatusReport> GetAsync(CancellationToken cancel)
    {
        if (_board.HasTicked || _board.Current.LastError is not null)
            return _board.Current;
        return await _status.GetAsync(ReadAsync, cancel);
    }

    /// <summary>Progress, series, entities and ranges; from another instance they are up to ten seconds old.</summary>
    internal async Task<StoredView> ViewAsync(CancellationToken cancel) =>
        _board.HasTicked ? new StoredView(_operators.View, _operators.Progress) : await _view.GetAsync(ReadViewAsync, cancel);

    private async Task<StatusReport> ReadAsync(CancellationToken cancel)
    {
        try
        {
            var read = await _store.ReadAsync(cancel) ?? _board.Current;
            // The same object while it is the same status, so that what is made of it need not be made again.
            return _lastRead is { } last && last.UpdatedAt == read.UpdatedAt && last.Instance == read.Instance ? last : _lastRead = read;
        }
        catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
        {
            return _board.Current;
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException)
        {
            return (_lastRead ?? _board.Current) with { State = "failing", LastError = new StatusError(_time.GetUtcNow(), "status", e.Message.Split('\n')[0]) };
        }
    }

    private async Task<StoredView> ReadViewAsync(CancellationToken cancel)
    {
        try
        {
            return await _store.ReadViewAsync(cancel) ?? Nothing();
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException)
        {
            // The status says that storage is away; what was known here is given on.
            return Nothing();
        }
    }

    private StoredView Nothing() => new(_operators.View, _operators.Progress);
}
