using Azure.Core;

namespace Azure.Data.Tables
{
    public enum TableUpdateMode
    {
        Merge = 0,
        Replace = 1,
    }

    public enum TableTransactionActionType
    {
        Add = 0,
        UpdateMerge = 1,
        UpdateReplace = 2,
        Delete = 3,
        UpsertMerge = 4,
        UpsertReplace = 5,
    }

    /// <summary>
    /// One action of an entity-group transaction. The ETag of the entity itself is not looked at: updates and deletes are
    /// conditional only on the ETag given here. Without it a delete is unconditional, and an update is an upsert, as with the
    /// official client; pass ETag.All to update only what exists.
    /// </summary>
    public partial class TableTransactionAction
    {
        public TableTransactionAction(TableTransactionActionType actionType, ITableEntity entity)
            : this(actionType, entity, default)
        {
        }

        public TableTransactionAction(TableTransactionActionType actionType, ITableEntity entity, ETag etag = default)
        {
            ActionType = actionType;
            Entity = entity ?? throw new ArgumentNullException(nameof(entity));
            ETag = etag;
        }

        public TableTransactionActionType ActionType { get; }

        public ITableEntity Entity { get; }

        public ETag ETag { get; }
    }

    /// <summary>A transaction of which nothing was done, because of the action with this index.</summary>
    public partial class TableTransactionFailedException : RequestFailedException
    {
        internal TableTransactionFailedException(int? index, RequestFailedException cause)
            : base(cause.Status, cause.Message, cause.ErrorCode, cause) => FailedTransactionActionIndex = index;

        /// <summary>Null when the service names none.</summary>
        public int? FailedTransactionActionIndex { get; }
    }

    public partial class TableClientOptions : ClientOptions
    {
        public TableClientOptions(ServiceVersion serviceVersion = ServiceVersion.V2020_12_06) =>
            Version = serviceVersion == ServiceVersion.V2019_02_02 ? "2019-02-02" : "2020-12-06";

        public enum ServiceVersion
        {
            V2019_02_02 = 1,
            V2020_12_06 = 2,
        }

        internal string Version { get; }
    }

    public partial class TableSharedKeyCredential
    {
        public TableSharedKeyCredential(string accountName, string accountKey)
        {
            AccountName = accountName ?? throw new ArgumentNullException(nameof(accountName));
            Key = Convert.FromBase64String(accountKey ?? throw new ArgumentNullException(nameof(accountKey)));
        }

        internal string AccountName { get; }

        internal byte[] Key { get; }
    }
}

namespace Azure.Data.Tables.Models
{
    public partial class TableItem
    {
        internal TableItem(string name) => Name = name;

        public string Name { get; }
    }
}
