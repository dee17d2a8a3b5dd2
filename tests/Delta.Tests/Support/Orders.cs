namespace Tidemark.Delta.Tests.Support;

/// <summary>A small table for tests of the log: an id, a text, an amount, and a day to partition by.</summary>
public static class Orders
{
    public static TableSchema Schema { get; } = new(new TableField("id", DataType.Int64), new TableField("name", DataType.String), new TableField("amount", DataType.Decimal(12, 2)));

    public static TableSchema Daily { get; } = new([.. Schema.Fields, new TableField("day", DataType.Date)]);

    public static RecordBatch Rows(params long[] ids) => new(Schema,
    [
        new Int64Column(ids, ids.Length), RandomRows.Strings([.. ids.Select(i => $"order {i}")]), new Int64Column([.. ids.Select(i => i * 100 + 99)], ids.Length),
    ], ids.Length);

    /// <summary>Row n lies on day n mod <paramref name="days"/>.</summary>
    public static RecordBatch DailyRows(int days, params long[] ids)
    {
        var rows = Rows(ids);
        return new RecordBatch(Daily, [.. rows.Columns, new Int32Column([.. ids.Select(i => 19_700 + (int)(i % days))], ids.Length)], ids.Length);
    }

    public static async Task<List<long>> IdsAsync(DeltaTable table, IEnumerable<DataFile> files)
    {
        var ids = new List<long>();
        foreach (var file in files)
        {
            await foreach (var batch in table.ReadAsync(file, ["id"])) ids.AddRange(((Int64Column)batch.Columns[0]).Values.AsSpan(0, batch.RowCount));
        }

        return ids;
    }

    public static async Task<long> AppendAsync(DeltaTable table, RecordBatch rows, params TxnMove[] moves)
    {
        var file = await table.WriteFileAsync(rows);
        var result = await table.AppendAsync(new AppendRequest { Schema = rows.Schema, Files = [file], Transactions = moves });
        return Assert.IsType<AppendResult.Committed>(result).Version;
    }
}
