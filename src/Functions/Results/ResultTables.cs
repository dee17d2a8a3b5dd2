using Azure.Data.Tables;

namespace Tidemark.Functions.Results;

/// <summary>The Table service of the query results, which may be another account than the ledger's: its key can be given to readers.</summary>
internal sealed record ResultTables(TableServiceClient Service);
