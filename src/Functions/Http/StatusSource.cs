using Azure;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>
/// The pipeline's status: this process's own when it ticks, else what the ticking instance last wrote, read at most once a second. When storage is
/// away the last known one is given, with the failure in it.
/// </summary>
public sealed class StatusSource
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private readonly StatusBoard _board;
    private readonly StatusStore _store;
    private readonly TimeProvider _time;
    private StatusReport? _read;
    private DateTimeOffset _readAt;

    internal StatusSource(StatusBoard board, StatusStore store, TimeProvider time) =>
        (_board, _store, _time) = (board, store, time);

    public async Task<StatusReport> GetAsync(CancellationToken cancel)
    {
        if (_board.HasTicked || _board.Current.LastError is not null)
            return _board.Current;
        if (_read is null || _time.GetUtcNow() - _readAt > Fresh)
        {
            try
            {
                _read = await _store.ReadAsync(cancel) ?? _board.Current;
                _readAt = _time.GetUtcNow();
            }
            catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
            {
                return _board.Current;
            }
            catch (Exception e) when (e is RequestFailedException or AggregateException)
            {
                return (_read ?? _board.Current) with { State = "failing", LastError = new StatusError(_time.GetUtcNow(), "status", e.Message.Split('\n')[0]) };
            }
        }

        return _read;
    }
}
