using Azure.Data.Tables;

namespace Tidemark.Functions.Results;

/// <summary>Cuts changes into transactions that Table storage takes: at most 100 rows and 4 MB of request.</summary>
internal static class Transactions
{
    /// <summary>Rows at most.</summary>
    public const int MostRows = 100;

    // A quarter is left for what surrounds the rows.
    private const int MostBytes = 3 << 20;

    /// <summary>The changes in their order, in parts of at most so many rows.</summary>
    public static IEnumerable<List<TableTransactionAction>> Cut(IEnumerable<TableTransactionAction> changes, int mostRows = MostRows)
    {
        var part = new List<TableTransactionAction>();
        long bytes = 0;
        foreach (var change in changes)
        {
            var size = SizeOf((TableEntity)change.Entity);
            if (part.Count == mostRows || (part.Count > 0 && bytes + size > MostBytes))
            {
                yield return part;
                (part, bytes) = ([], 0);
            }

            part.Add(change);
            bytes += size;
        }

        if (part.Count > 0)
            yield return part;
    }

    /// <summary>Bytes of JSON at most: a character beyond ASCII may be written as <c>\uXXXX</c>, and each property has a name and perhaps a type.</summary>
    private static long SizeOf(TableEntity entity) => 1_000 + entity.Sum(property => 100 + (2L * property.Key.Length) + property.Value switch
    {
        string text => text.Sum(c => c is >= ' ' and <= '~' and not ('"' or '\\' or '<' or '>' or '&' or '\'' or '+') ? 1L : 6L),
        byte[] bytes => 2L * bytes.Length,
        _ => 40,
    });
}
