namespace Tidemark.Domain.Queries;

/// <summary>A query that cannot be run as it is written; the message names query, field and remedy.</summary>
public sealed class QueryException(string query, string fault) : ArgumentException($"Query '{query}' cannot be run: {fault}.")
{
    /// <summary>Name of the query.</summary>
    public string Query { get; } = query;
}
