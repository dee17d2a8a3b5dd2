using System.Globalization;
using Azure.Core;
using Azure.Data.Tables.Models;

namespace Azure.Data.Tables;

/// <summary>
/// One table. Asynchronous members only, and entities are <see cref="TableEntity"/>: classes mapped by reflection and LINQ filters
/// are not part of this stand-in. Failures are <see cref="RequestFailedException"/> with the service's status and error code.
/// </summary>
public partial class TableClient
{
    private readonly Requests requests;

    protected TableClient()
    {
    }

    public TableClient(string connectionString, string tableName)
        : this(connectionString, tableName, null)
    {
    }

    public TableClient(string connectionString, string tableName, TableClientOptions options = null)
        : this(new Requests(Account.From(connectionString), options), tableName)
    {
    }

    public TableClient(Uri endpoint, string tableName, TableSharedKeyCredential credential)
        : this(endpoint, tableName, credential, null)
    {
    }

    public TableClient(Uri endpoint, string tableName, TableSharedKeyCredential credential, TableClientOptions options = null)
        : this(new Requests(Account.From(endpoint, credential), options), tableName)
    {
    }

    public TableClient(Uri endpoint, string tableName, TokenCredential tokenCredential, TableClientOptions options = null)
        : this(new Requests(Account.From(endpoint, tokenCredential), options), tableName)
    {
    }

    internal TableClient(Requests requests, string tableName)
    {
        ArgumentException.ThrowIfNullOrEmpty(tableName);
        this.requests = requests;
        Name = tableName;
    }

    public virtual string AccountName => requests.Account.Name;

    public virtual string Name { get; }

    public virtual Uri Uri => new UriBuilder(requests.Account.Endpoint) { Path = $"{requests.Account.Endpoint.AbsolutePath.TrimEnd('/')}/{Name}" }.Uri;

    public virtual Task<Response<TableItem>> CreateAsync(CancellationToken cancellationToken = default) =>
        Tables.CreateAsync(requests, Name, ifNotExists: false, cancellationToken);

    public virtual Task<Response<TableItem>> CreateIfNotExistsAsync(CancellationToken cancellationToken = default) =>
        Tables.CreateAsync(requests, Name, ifNotExists: true, cancellationToken);

    /// <summary>A table that is not there is no error.</summary>
    public virtual Task<Response> DeleteAsync(CancellationToken cancellationToken = default) =>
        Tables.DeleteAsync(requests, Name, cancellationToken);

    /// <summary>409 EntityAlreadyExists when the keys are taken.</summary>
    public virtual async Task<Response> AddEntityAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : ITableEntity
    {
        using var message = requests.Create(RequestMethod.Post, Name);
        message.Request.Headers.Add("Prefer", "return-no-content");
        Requests.SetJson(message.Request, Requests.Json(AsTableEntity(entity)));
        return await requests.SendAsync(message, 204, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>404 ResourceNotFound when there is none.</summary>
    public virtual async Task<Response<T>> GetEntityAsync<T>(
        string partitionKey, string rowKey, IEnumerable<string> select = null, CancellationToken cancellationToken = default)
        where T : class, ITableEntity
    {
        var response = await ReadAsync(partitionKey, rowKey, select, cancellationToken).ConfigureAwait(false);
        return response.Status == 200 ? Response.FromValue(Entity<T>(response), response) : throw Errors.From(response);
    }

    public virtual async Task<NullableResponse<T>> GetEntityIfExistsAsync<T>(
        string partitionKey, string rowKey, IEnumerable<string> select = null, CancellationToken cancellationToken = default)
        where T : class, ITableEntity
    {
        var response = await ReadAsync(partitionKey, rowKey, select, cancellationToken).ConfigureAwait(false);
        return response.Status switch
        {
            200 => Response.FromValue(Entity<T>(response), response),
            404 => new NoEntity<T>(response),
            _ => throw Errors.From(response),
        };
    }

    public virtual Task<Response> UpsertEntityAsync<T>(
        T entity, TableUpdateMode mode = TableUpdateMode.Merge, CancellationToken cancellationToken = default)
        where T : ITableEntity => WriteAsync(AsTableEntity(entity), null, mode, cancellationToken);

    /// <summary>412 UpdateConditionNotSatisfied when the entity has another ETag; ETag.All updates any.</summary>
    public virtual Task<Response> UpdateEntityAsync<T>(
        T entity, ETag ifMatch, TableUpdateMode mode = TableUpdateMode.Merge, CancellationToken cancellationToken = default)
        where T : ITableEntity
    {
        if (ifMatch == default)
            throw new ArgumentException("An update needs the ETag that was read, or ETag.All.", nameof(ifMatch));
        return WriteAsync(AsTableEntity(entity), ifMatch.ToString(), mode, cancellationToken);
    }

    /// <summary>An entity that is not there is no error: the answer's status is 404. Unconditional without an ETag.</summary>
    public virtual async Task<Response> DeleteEntityAsync(
        string partitionKey, string rowKey, ETag ifMatch = default, CancellationToken cancellationToken = default)
    {
        using var message = requests.Create(RequestMethod.Delete, Requests.EntityPath(Name, partitionKey, rowKey));
        message.Request.Headers.Add("If-Match", ifMatch == default ? "*" : ifMatch.ToString());
        var response = await requests.SendAsync(message, cancellationToken).ConfigureAwait(false);
        return response.Status is 204 or 404 ? response : throw Errors.From(response);
    }

    public virtual Task<Response> DeleteEntityAsync(ITableEntity entity, ETag ifMatch = default, CancellationToken cancellationToken = default) =>
        DeleteEntityAsync(entity.PartitionKey, entity.RowKey, ifMatch, cancellationToken);

    /// <summary>Entities in the order of their keys, at most 1,000 to a page.</summary>
    public virtual AsyncPageable<T> QueryAsync<T>(
        string filter = null, int? maxPerPage = null, IEnumerable<string> select = null, CancellationToken cancellationToken = default)
        where T : class, ITableEntity
    {
        RequireTableEntity<T>();
        var columns = Columns(select);
        return new Listing<T>((from, token) => PageAsync<T>(filter, maxPerPage, columns, from, token), cancellationToken);
    }

    /// <summary>All of up to 100 actions on entities with one partition key, or none of them.</summary>
    /// <exception cref="TableTransactionFailedException">Nothing was done; says which action failed and why.</exception>
    /// <exception cref="RequestFailedException">The request as a whole was refused.</exception>
    public virtual async Task<Response<IReadOnlyList<Response>>> SubmitTransactionAsync(
        IEnumerable<TableTransactionAction> transactionActions, CancellationToken cancellationToken = default)
    {
        var actions = transactionActions.ToList();
        if (actions.Count is 0 or > 100)
            throw new InvalidOperationException($"A transaction takes 1 to 100 actions, not {actions.Count}.");
        using var message = requests.Create(RequestMethod.Post, "$batch");
        Transaction.Write(message.Request, requests.Account.Endpoint, Name, actions);
        var response = await requests.SendAsync(message, cancellationToken).ConfigureAwait(false);
        if (response.Status != 202)
            throw Errors.From(response);
        var parts = Transaction.Read(response);
        if (parts.FirstOrDefault(p => p.Status >= 400) is { } failed)
            throw Errors.FromTransaction(failed);
        return Response.FromValue<IReadOnlyList<Response>>(parts, response);
    }

    public static string CreateQueryFilter(FormattableString filter) => Filter.Create(filter);

    internal static TableEntity AsTableEntity(ITableEntity entity) => entity switch
    {
        TableEntity table => table,
        null => throw new ArgumentNullException(nameof(entity)),
        _ => throw new NotSupportedException($"Entities are TableEntity here, not {entity.GetType().Name}."),
    };

    private async ValueTask<Response> ReadAsync(
        string partitionKey, string rowKey, IEnumerable<string> select, CancellationToken cancellationToken)
    {
        using var message = requests.Create(RequestMethod.Get, Requests.EntityPath(Name, partitionKey, rowKey));
        if (Columns(select) is { } columns)
            message.Request.Uri.AppendQuery("$select", columns, true);
        return await requests.SendAsync(message, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Response> WriteAsync(TableEntity entity, string ifMatch, TableUpdateMode mode, CancellationToken cancellationToken)
    {
        var method = mode == TableUpdateMode.Merge ? RequestMethod.Patch : RequestMethod.Put;
        using var message = requests.Create(method, Requests.EntityPath(Name, entity.PartitionKey, entity.RowKey));
        if (ifMatch is not null)
            message.Request.Headers.Add("If-Match", ifMatch);
        Requests.SetJson(message.Request, Requests.Json(entity));
        return await requests.SendAsync(message, 204, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<Page<T>> PageAsync<T>(
        string filter, int? maxPerPage, string columns, string from, CancellationToken cancellationToken)
    {
        using var message = requests.Create(RequestMethod.Get, Name + "()");
        var uri = message.Request.Uri;
        if (!string.IsNullOrEmpty(filter))
            uri.AppendQuery("$filter", filter, true);
        if (maxPerPage is { } top)
            uri.AppendQuery("$top", top.ToString(CultureInfo.InvariantCulture), true);
        if (columns is not null)
            uri.AppendQuery("$select", columns, true);
        if (from is not null)
            Continuation.Append(uri, from);
        var response = await requests.SendAsync(message, 200, cancellationToken).ConfigureAwait(false);
        var entities = (IReadOnlyList<T>)(object)Wire.ReadEntities(response.Content.ToMemory());
        return Page<T>.FromValues(entities, Continuation.Read(response), response);
    }

    private static string Columns(IEnumerable<string> select) => select is null ? null : string.Join(',', select);

    private static T Entity<T>(Response response)
        where T : class
    {
        RequireTableEntity<T>();
        return (T)(object)Wire.ReadEntity(response.Content.ToMemory());
    }

    private static void RequireTableEntity<T>()
    {
        if (typeof(T) != typeof(TableEntity))
            throw new NotSupportedException($"Entities are TableEntity here, not {typeof(T).Name}.");
    }
}

/// <summary>Where the next page starts: partition key and row key as the service encodes them, with a space between.</summary>
internal static class Continuation
{
    public static string Read(Response response)
    {
        if (!response.Headers.TryGetValue("x-ms-continuation-NextPartitionKey", out var partition) || string.IsNullOrEmpty(partition))
            return null;
        response.Headers.TryGetValue("x-ms-continuation-NextRowKey", out var row);
        return $"{partition} {row}";
    }

    public static void Append(RequestUriBuilder uri, string token)
    {
        var space = token.IndexOf(' ', StringComparison.Ordinal);
        uri.AppendQuery("NextPartitionKey", token[..space], true);
        if (space + 1 < token.Length)
            uri.AppendQuery("NextRowKey", token[(space + 1)..], true);
    }
}
