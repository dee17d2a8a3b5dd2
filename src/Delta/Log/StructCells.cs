using System.Text;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>Cells of a struct column by row and field.</summary>
internal readonly struct StructCells(StructColumn column)
{
    public static readonly IReadOnlyDictionary<string, string?> NoValues = new Dictionary<string, string?>();

    public ColumnData Field(int index) => column.Fields[index];

    private bool Missing(int row, int index) => column.IsNull(row) || column.Fields[index].IsNull(row);

    public string? Text(int row, int index) => Missing(row, index) ? null : TextOf(column.Fields[index], row);

    public long? Long(int row, int index) => Missing(row, index) ? null : column.Fields[index] is Int32Column narrow ? narrow.Values[row] : ((Int64Column)column.Fields[index]).Values[row];

    public bool? Bool(int row, int index) => Missing(row, index) ? null : ((BooleanColumn)column.Fields[index]).Values[row];

    /// <summary>Empty for null and for the empty text.</summary>
    public ReadOnlySpan<byte> Bytes(int row, int index) => Missing(row, index) ? default : BytesOf(column.Fields[index], row);

    public IReadOnlyDictionary<string, string?>? Map(int row, int index)
    {
        if (Missing(row, index)) return null;
        var map = (MapColumn)column.Fields[index];
        if (map.Offsets[row] == map.Offsets[row + 1]) return NoValues;
        var values = new Dictionary<string, string?>(map.Offsets[row + 1] - map.Offsets[row]);
        for (var i = map.Offsets[row]; i < map.Offsets[row + 1]; i++) values[TextOf(map.Keys, i)] = map.Values.IsNull(i) ? null : TextOf(map.Values, i);
        return values;
    }

    public List<string>? List(int row, int index)
    {
        if (Missing(row, index)) return null;
        var list = (ListColumn)column.Fields[index];
        var values = new List<string>();
        for (var i = list.Offsets[row]; i < list.Offsets[row + 1]; i++) values.Add(TextOf(list.Elements, i));
        return values;
    }

    private static string TextOf(ColumnData data, int row) => Encoding.UTF8.GetString(BytesOf(data, row));

    private static ReadOnlySpan<byte> BytesOf(ColumnData data, int row) => data is DictionaryColumn coded ? coded[row] : ((BytesColumn)data)[row];
}
