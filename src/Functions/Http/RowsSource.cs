using System.Text;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Http;

/// <summary>Rows of outputs for callers from outside, from Table storage or Delta, whichever has them. Not from memory, where rows of another instance may be missing: a page must go on where the one before ended.</summary>
public sealed class RowsSource
{
    private readonly OutputRows _tables;
    private readonly LakeRows _lake;

    internal RowsSource(OutputRows tables, LakeSource lake) => (_tables, _lake) = (tables, new LakeRows(lake));

    /// <summary>A page.</summary>
    internal Task<RowsPage> ReadAsync(RowsWanted wanted, string source, CancellationToken cancel) =>
        source == "delta" ? _lake.ReadAsync(wanted, cancel) : _tables.ReadAsync(wanted, cancel);

    /// <summary>Where rows of the output are read, unless the caller says otherwise.</summary>
    internal static string SourceOf(IOutput output) => OutputBook.IsInTables(output) ? "table" : "delta";

    /// <summary>The address of the page that follows: the same with another continuation.</summary>
    internal static string Next(Microsoft.AspNetCore.Http.HttpRequest request, string path, string continuation)
    {
        var query = new StringBuilder(path);
        var separator = '?';
        // The key of the caller is in no address that is given on.
        foreach (var (name, values) in request.Query.Where(q => q.Key is not ("continuation" or "code" or "clientId")))
            foreach (var value in values)
                (_, separator) = (query.Append(separator).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value ?? "")), '&');
        return query.Append(separator).Append("continuation=").Append(continuation).ToString();
    }
}
