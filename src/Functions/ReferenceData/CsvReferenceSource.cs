using Tidemark.Delta;
using Tidemark.Domain.Enrichment;

namespace Tidemark.Functions.ReferenceData;

/// <summary>CSV (see <see cref="ReferenceCsv"/>) in a file.</summary>
internal sealed class FileReferenceSource(string path, ReferenceSchema schema) : IReferenceSource
{
    public string Name => $"file:{path}";

    public async Task<LoadedReference?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new FileNotFoundException(Directory.Exists(path) ? $"{path} is a folder; name a CSV file." : $"There is no file {path}.");
        // Taken before the content: a change in between is then read once more, not missed.
        var mark = $"{file.LastWriteTimeUtc.Ticks}/{file.Length}";
        return mark == knownMark ? null : new LoadedReference(ReferenceCsv.Read(schema, await File.ReadAllBytesAsync(path, cancel)), mark);
    }
}

/// <summary>CSV (see <see cref="ReferenceCsv"/>) in a blob of the lake's container.</summary>
internal sealed class BlobReferenceSource(IObjectStore store, string path, ReferenceSchema schema) : IReferenceSource
{
    public string Name => $"blob:{path}";

    public async Task<LoadedReference?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var head = await store.HeadAsync(path, cancel) ?? throw new FileNotFoundException($"There is no blob {path} in the lake's container.");
        if (head.ETag == knownMark)
            return null;
        var content = await store.GetAsync(path, cancel) ?? throw new FileNotFoundException($"There is no blob {path} in the lake's container.");
        return new LoadedReference(ReferenceCsv.Read(schema, content.Span), head.ETag);
    }
}
