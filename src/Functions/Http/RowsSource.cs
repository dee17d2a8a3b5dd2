using System.Text;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Http;

/// <summary>Rows of outputs for callers from outside, from memory, Table storage or Delta, whichever has them.</summary>
public sealed class RowsSource
{
    private readonly OutputRows _tables;
    private readonly LakeRows _lake;
    private readonly NewestRows _newest;

    internal RowsSource(OutputRows tables, LakeSource lake, NewestRows newest) => (_tables, _lake, _newest) = (tables, new LakeRows(lake), newest);

    /// <summary>Single rows and ranges of Table storage.</summary>
    internal OutputRows Tables => _tables;

    /// <summary>A page. The newest rows of a query without conditions are shared by all who ask and may be two seconds old.</summary>
    internal async Task<RowsPage> ReadAsync(RowsWanted wanted, string source, CancellationToken cancel)
    {
        if (source == "delta")
            return await _lake.ReadAsync(wanted, cancel);
        if (wanted is not { From: null, To: null, After: null, Keys.Count: 0 })
            return await _tables.ReadAsync(wanted, cancel);
        var newest = await _newest.GetAsync(wanted.Output, cancel);
        var rows = newest.Take(wanted.Limit).ToList();
        return new RowsPage(rows, newest.Count > wanted.Limit || newest.Count == NewestRows.Most ? rows[^1].RowKey : null);
    }

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
