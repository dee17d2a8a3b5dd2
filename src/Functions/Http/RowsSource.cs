using System.Text;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Http;

/// <summary>Rows of outputs for callers from outside, from Table storage or Delta, whichever has them. Not from memory, where rows of another instance may be missing: a page must go on where the one before ended.</summary>
public sealed class RowsSource
{
    private const string InTable = "table", InDelta = "delta";

    // Before everything that a key of a row with a time can begin with.
    private const string Beginning = "0";

    // Retention may be a little further than the status that tells of it.
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(10);
    private readonly OutputRows _tables;
    private readonly LakeRows _lake;
    private readonly StatusSource _status;
    private readonly ResultsKept _kept;
    private readonly HostedPipelines _pipelines;

    internal RowsSource(OutputRows tables, LakeSource lake, StatusSource status, ResultsKept kept, HostedPipelines pipelines) =>
        (_tables, _lake, _status, _kept, _pipelines) = (tables, new LakeRows(lake), status, kept, pipelines);

    /// <summary>A page of one source.</summary>
    internal Task<RowsPage> ReadAsync(RowsWanted wanted, string source, CancellationToken cancel) =>
        source == InDelta ? _lake.ReadAsync(wanted, cancel) : _tables.ReadAsync(wanted, cancel);

    /// <summary>
    /// A page of Table storage, and where that ends, since it holds only what is not old, of Delta: the second value says where the next page is. Both
    /// have the same keys in the same order, so what leaves Table storage meanwhile is met in Delta.
    /// </summary>
    internal async Task<(RowsPage Page, string Next)> ReadOnAsync(RowsWanted wanted, CancellationToken cancel)
    {
        var kept = await KeptFromAsync(wanted.Output, cancel);
        var page = wanted.To <= kept ? new RowsPage([], null) : await _tables.ReadAsync(kept > (wanted.From ?? DateTimeOffset.MinValue) ? wanted with { From = kept } : wanted, cancel);
        // What a caller wants no older rows than are kept of is complete.
        if (page.After is not null || kept is null || wanted.From >= kept)
            return (page, InTable);
        var last = page.Rows.Count > 0 ? page.Rows[^1].RowKey : wanted.After;
        // In an index the key stands behind what the rows are found by; Delta has no index.
        var prefix = OutputRows.IndexPrefix(wanted) ?? "";
        return (page with { After = last?.StartsWith(prefix, StringComparison.Ordinal) == true ? last[prefix.Length..] : Beginning }, InDelta);
    }

    /// <summary>Time from which Table storage surely has every row; null before there is a frontier.</summary>
    private async Task<DateTimeOffset?> KeptFromAsync(IOutput output, CancellationToken cancel)
    {
        var all = await _status.GetAsync(cancel);
        // Each topic has a frontier of its own.
        var status = all.Sources.GetValueOrDefault(_pipelines.Of(output).Name) ?? all;
        // The join of two topics has a time, but no partitions.
        var newest = status.Partitions.Count == 0 ? status.Frontier : status.Partitions.Max(p => p.MaxEventTime);
        return _kept.OldUpTo(output, status.Frontier?.ToUnixTimeMilliseconds(), newest?.ToUnixTimeMilliseconds()) is { } old ? DateTimeOffset.FromUnixTimeMilliseconds(old) + Margin : null;
    }

    /// <summary>Whether rows of this question go on in Delta where Table storage ends.</summary>
    internal static bool GoesOn(RowsWanted wanted) => wanted.Output is { TimeColumn: not null, InTableStorage: true };

    /// <summary>Where rows of the output are read, unless the caller says otherwise.</summary>
    internal static string SourceOf(IOutput output) => output.InTableStorage ? InTable : InDelta;

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
