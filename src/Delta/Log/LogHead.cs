using System.Collections.Immutable;

namespace Tidemark.Delta;

/// <summary>
/// A table as of one version without its files: what an append needs. Version -1, without a schema, where there is no table.
/// </summary>
public sealed class TableHead
{
    internal static readonly TableHead None = new(-1, null, null, ImmutableDictionary<string, long>.Empty);

    internal TableHead(long version, Protocol? protocol, Metadata? metadata, ImmutableDictionary<string, long> transactions)
    {
        Version = version;
        Protocol = protocol;
        Metadata = metadata;
        Transactions = transactions;
    }

    /// <summary>The newest version that was seen; -1 when there is no table.</summary>
    public long Version { get; }

    /// <summary>The columns, partition columns included; null when there is no table.</summary>
    public TableSchema? Schema => Metadata?.Schema;

    /// <summary>The partition columns, in order.</summary>
    public IReadOnlyList<string> PartitionColumns => Metadata?.PartitionColumns ?? [];

    /// <summary>The table's properties.</summary>
    public IReadOnlyDictionary<string, string> Configuration => Metadata?.Configuration ?? ImmutableDictionary<string, string>.Empty;

    /// <summary>How far each application has come: appId to version.</summary>
    public IReadOnlyDictionary<string, long> Transactions { get; }

    internal Protocol? Protocol { get; }

    internal Metadata? Metadata { get; }

    internal ImmutableDictionary<string, long> TransactionMap => (ImmutableDictionary<string, long>)Transactions;

    /// <summary>The version of an application's last transaction, or null when there is none.</summary>
    public long? TransactionOf(string appId) => TransactionMap.TryGetValue(appId, out var version) ? version : null;
}
