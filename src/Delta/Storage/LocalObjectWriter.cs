namespace Tidemark.Delta;

/// <summary>A temporary file that grows part by part and is linked to its name when it is whole.</summary>
internal sealed class LocalObjectWriter(LocalObjectStore store, string target) : IObjectWriter
{
    private FileStream? _file;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct) =>
        await (_file ??= store.CreateStaged()).WriteAsync(part, ct).ConfigureAwait(false);

    public async ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _file ??= store.CreateStaged();
        await store.FinishStagedAsync(_file).ConfigureAwait(false);
        return LocalObjectStore.PublishIfAbsent(_file.Name, target);
    }

    public async ValueTask DisposeAsync()
    {
        if (_file is null) return;
        await _file.DisposeAsync().ConfigureAwait(false);
        File.Delete(_file.Name);
    }
}
