using System.Globalization;
using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Http;

/// <summary>
/// Reads rows of outputs from Delta in the same order and with the same keys as Table storage has them. Bounds of time and keys leave out files by their
/// statistics; files are read by their newest row until no unread one can hold a row that belongs on the page.
/// </summary>
internal sealed class LakeRows(LakeSource lake)
{
    public async Task<RowsPage> ReadAsync(RowsWanted wanted, CancellationToken cancel)
    {
        var (output, name) = (wanted.Output, TableNames.Gold(wanted.Output.Name));
        var time = output.TimeColumn ?? throw new ArgumentException($"Rows of {output.Name} have no time to be ordered by.", nameof(wanted));
        if (await lake.SnapshotAsync(name, cancel) is not { } snapshot)
            return new RowsPage([], null);
        var table = lake.Tables[name];
        var filter = Filter(wanted, time);
        var files = new Queue<(DataFile File, long NewestMs)>(table.Delta.FilesFor(snapshot, filter).Select(f => (f, Newest(f, time))).OrderByDescending(f => f.Item2));
        var found = new SortedDictionary<string, TableEntity>(StringComparer.Ordinal);
        for (var read = 0; files.Count > 0 && Unsafe(found, wanted.Limit, files.Peek().NewestMs) && (read < LakeSource.MostFiles || Safe(found, files.Peek().NewestMs) == 0); read++)
        {
            // A page has a row at least, whatever it takes, but others are let in between.
            await lake.OneScan.WaitAsync(cancel);
            try
            {
                await AddAsync(table, files.Dequeue().File, wanted, filter, found, cancel);
            }
            finally
            {
                lake.OneScan.Release();
            }
        }

        // Beyond the newest row of what was not read, other rows may belong in between.
        var safe = files.Count == 0 ? found.Count : Safe(found, files.Peek().NewestMs);
        var rows = found.Take(Math.Min(safe, wanted.Limit)).ToList();
        return new RowsPage([.. rows.Select(r => r.Value)], rows.Count < found.Count || files.Count > 0 ? rows[^1].Key : null);
    }

    private static async Task AddAsync(LakeTable table, DataFile file, RowsWanted wanted, ScanFilter filter, SortedDictionary<string, TableEntity> found, CancellationToken cancel)
    {
        var (output, isIndexed) = (wanted.Output, OutputRows.IndexPrefix(wanted) is not null);
        await foreach (var batch in table.Delta.ReadAsync(file, [.. table.Rows.Fields.Select(f => f.Name)], filter, cancel))
        {
            var rows = DeltaColumns.FromDelta(batch, table.Rows);
            for (var row = 0; row < rows.Count; row++)
            {
                var key = ResultKeys.Row(output, rows, row) is var whole && isIndexed ? ResultKeys.InIndex(whole) : whole;
                if (wanted.After is { } after && string.CompareOrdinal(key, after) <= 0)
                    continue;
                var entity = Entity(rows, row, key);
                if (!wanted.Has(entity))
                    continue;
                found[key] = entity;
            }

            Trim(found, wanted.Limit + 1);
        }
    }

    /// <summary>Keeps what can be on the page, and one row more to say that there are more.</summary>
    private static void Trim(SortedDictionary<string, TableEntity> found, int kept)
    {
        foreach (var key in found.Keys.Skip(kept).ToList())
            found.Remove(key);
    }

    /// <summary>Whether an unread file may still hold a row of the page.</summary>
    private static bool Unsafe(SortedDictionary<string, TableEntity> found, int limit, long newestMs) => Safe(found, newestMs) <= limit;

    /// <summary>How many rows are newer than any that was not read.</summary>
    private static int Safe(SortedDictionary<string, TableEntity> found, long newestMs) => found.Keys.TakeWhile(key => ResultKeys.WindowStart(key) > newestMs).Count();

    private static ScanFilter Filter(RowsWanted wanted, string time)
    {
        long? to = wanted.To is { } end ? Micros(end) : null;
        // A continuation may come from Table storage that had nothing, or from somebody who made it up.
        if (wanted.After is { Length: >= 19 } after && long.TryParse(after.AsSpan(0, 19), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && ResultKeys.WindowStart(after) is var start and < long.MaxValue / 1000 - 1)
            to = Math.Min(to ?? long.MaxValue, start * 1000 + 999);
        var filter = new ScanFilter().Between(time, wanted.From is { } from ? Micros(from) : null, to);
        foreach (var (column, value) in wanted.Keys)
            if (value is not null && wanted.Output.Schema.Fields[wanted.Output.Schema.IndexOf(column)].Type == FieldType.String)
                filter.EqualTo(column, value);
        return filter;
    }

    private static long Micros(DateTimeOffset time) => (time.UtcDateTime - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Time of the newest row by the statistics, ms; a file without them may hold any.</summary>
    private static long Newest(DataFile file, string time)
    {
        if (file.Stats is not { } stats)
            return long.MaxValue;
        using var json = JsonDocument.Parse(stats);
        return json.RootElement.TryGetProperty("maxValues", out var newest) && newest.TryGetProperty(time, out var text)
            && DateTimeOffset.TryParse(text.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at.ToUnixTimeMilliseconds() + 1 : long.MaxValue;
    }

    private static TableEntity Entity(RowBatch rows, int row, string key)
    {
        var entity = new TableEntity("", key) { ["is_final"] = true };
        for (var column = 0; column < rows.Columns.Count; column++)
            if (Cell.Value(rows, column, row) is { } value)
                entity[rows.Schema.Fields[column].Name] = value is DateTime time ? new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)) : value;
        return entity;
    }
}
