using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Corrections;

/// <summary>Which windows of a query no tick writes again.</summary>
internal static class ClosedWindows
{
    /// <summary>End (ms) up to which final rows are in Delta and, where the query has rows there, in Table storage; null = none.</summary>
    public static async Task<long?> UpToAsync(ILedger ledger, ILake lake, PipelineId id, QuerySpec query, CancellationToken cancel) => query.InTableStorage
        ? (await ledger.ReadCursorAsync(query.Name, cancel)).Cursor.PositionMs
        : (await lake.ReadHeadAsync(TableNames.Gold(query.Name), cancel)).Positions.TryGetValue(id.QueryAppId(query.Name), out var position) ? position : null;
}
