using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Joins;

/// <summary>Looks every row up in a table by equality; several matches give several rows (a semi join one, without the table's columns), null matches nothing. Stateless.</summary>
internal sealed class TableJoinOperator : StreamOperator
{
    private readonly TableJoinStage stage;
    private readonly RowBatch table;
    private readonly int[] keys;
    private readonly Dictionary<string, List<int>> index = [];
    private readonly ByteWriter key = new();

    public TableJoinOperator(TableJoinStage stage, RowSchema source, RowBatch table, string? eventTime)
    {
        (this.stage, this.table, EventTime) = (stage, table, eventTime);
        keys = [.. stage.Equal.Select(e => source.IndexOf(e.Stream))];
        KeyTypes.CheckEqual(stage.Id, stage.Equal, source, table.Schema);
        var tableKeys = stage.Equal.Select(e => table.Schema.IndexOf(e.Table)).ToArray();
        for (var row = 0; row < table.Count; row++)
            if (KeyOf(table, row, tableKeys) is { } text)
                (index.TryGetValue(text, out var rows) ? rows : index[text] = []).Add(row);
        Output = new RowSchema([.. source.Fields, .. table.Schema.Fields.Select(f => f with { Nullable = true })]);
    }

    public override RowSchema Output { get; }

    public override string? EventTime { get; }

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        var output = new RowsBuilder(Output);
        for (var row = 0; row < rows.Count; row++)
        {
            if (KeyOf(rows, row, keys) is { } text && index.TryGetValue(text, out var matches))
                foreach (var match in stage.Type == JoinType.LeftSemi ? matches.Take(1) : matches)
                {
                    output.Copy(0, rows, row);
                    if (stage.Type == JoinType.LeftSemi)
                        output.Nulls(rows.Columns.Count, table.Columns.Count);
                    else
                        output.Copy(rows.Columns.Count, table, match);
                }
            else if (stage.Type == (stage.StreamIsLeft ? JoinType.LeftOuter : JoinType.RightOuter))
            {
                output.Copy(0, rows, row);
                output.Nulls(rows.Columns.Count, table.Columns.Count);
            }
        }
        emit(output.Build());
    }

    private string? KeyOf(RowBatch rows, int row, int[] columns)
    {
        key.Clear();
        foreach (var column in columns)
        {
            if (rows.Columns[column].IsNull(row))
                return null;
            OrderedKey.Append(key, rows.Columns[column], row);
        }
        return Convert.ToHexString(key.Written);
    }
}
