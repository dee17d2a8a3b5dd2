using Tidemark.Delta;
using Tidemark.Domain.Enrichment;

namespace Tidemark.Functions.Catalogs;

/// <summary>CSV (see <see cref="CatalogCsv"/>) in a file.</summary>
internal sealed class FileCatalogSource(string path) : ICatalogSource
{
    public string Name => $"file:{path}";

    public async Task<LoadedCatalog?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new FileNotFoundException($"There is no file {path}.");
        // Taken before the content: a change in between is then read once more, not missed.
        var mark = $"{file.LastWriteTimeUtc.Ticks}/{file.Length}";
        return mark == knownMark ? null : new LoadedCatalog(CatalogCsv.Read(await File.ReadAllBytesAsync(path, cancel)), mark);
    }
}

/// <summary>CSV (see <see cref="CatalogCsv"/>) in a blob of the lake's container.</summary>
internal sealed class BlobCatalogSource(IObjectStore store, string path) : ICatalogSource
{
    public string Name => $"blob:{path}";

    public async Task<LoadedCatalog?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var head = await store.HeadAsync(path, cancel) ?? throw new FileNotFoundException($"There is no blob {path} in the lake's container.");
        if (head.ETag == knownMark)
            return null;
        var content = await store.GetAsync(path, cancel) ?? throw new FileNotFoundException($"There is no blob {path} in the lake's container.");
        return new LoadedCatalog(CatalogCsv.Read(content.Span), head.ETag);
    }
}
