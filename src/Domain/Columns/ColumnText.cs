namespace Tidemark.Domain.Columns;

/// <summary>The bytes of a text or binary column, whatever its layout.</summary>
internal static class ColumnText
{
    /// <summary>Bytes of a row; null is empty or means nothing.</summary>
    public static ReadOnlySpan<byte> Bytes(this Column column, int row) =>
        column is DictionaryColumn coded ? coded.Dictionary[coded.Codes[row]] : ((BinaryColumn)column)[row];
}
