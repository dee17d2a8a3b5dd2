using System.Collections.Immutable;

namespace Tidemark.Delta.Log;

/// <summary>Folds commits into a head: the last protocol, metaData and txn of each application win. Files are not looked at.</summary>
internal sealed class HeadBuilder(TableHead start) : IActionSink
{
    private readonly ImmutableDictionary<string, long>.Builder _transactions = start.TransactionMap.ToBuilder();
    private Protocol? _protocol = start.Protocol;
    private Metadata? _metadata = start.Metadata;

    public bool WantsFiles => false;

    /// <summary>The commit's own id, when the last commit read has one.</summary>
    public string? TxnId { get; set; }

    public bool ChangedMetadata { get; private set; }

    public bool ChangedProtocol { get; private set; }

    public void Add(DataFile file, bool dataChange)
    {
    }

    public void Remove(Tombstone file)
    {
    }

    public void Metadata(Metadata metadata)
    {
        _metadata = metadata;
        ChangedMetadata = true;
    }

    public void Protocol(Protocol protocol)
    {
        _protocol = protocol;
        ChangedProtocol = true;
    }

    public void Txn(Txn txn) => _transactions[txn.AppId] = txn.Version;

    public void CommitInfo(CommitInfo info) => TxnId = info.TxnId;

    /// <exception cref="DeltaFormatException">A table without protocol or metaData.</exception>
    public TableHead Build(long version, string table)
    {
        if (version < 0) return TableHead.None;
        if (_protocol is null) throw new DeltaFormatException($"The log of table {table} holds no protocol up to version {version}.");
        if (_metadata is null) throw new DeltaFormatException($"The log of table {table} holds no metaData up to version {version}.");
        return new TableHead(version, _protocol, _metadata, _transactions.ToImmutable());
    }
}
