using System.Globalization;
using System.Text.Json;
using Azure.Core;
using Azure.Data.Tables.Models;

namespace Azure.Data.Tables;

/// <summary>The tables of one account. Asynchronous members only.</summary>
public partial class TableServiceClient
{
    private readonly Requests requests;

    protected TableServiceClient()
    {
    }

    public TableServiceClient(string connectionString)
        : this(connectionString, null)
    {
    }

    public TableServiceClient(string connectionString, TableClientOptions options = null)
        : this(Account.From(connectionString), options)
    {
    }

    public TableServiceClient(Uri endpoint, TableClientOptions options = null)
        : this(Account.From(endpoint), options)
    {
    }

    public TableServiceClient(Uri endpoint, AzureSasCredential credential)
        : this(endpoint, credential, null)
    {
    }

    public TableServiceClient(Uri endpoint, AzureSasCredential credential, TableClientOptions options = null)
        : this(Account.From(endpoint, credential), options)
    {
    }

    public TableServiceClient(Uri endpoint, TableSharedKeyCredential credential)
        : this(endpoint, credential, null)
    {
    }

    public TableServiceClient(Uri endpoint, TableSharedKeyCredential credential, TableClientOptions options)
        : this(Account.From(endpoint, credential), options)
    {
    }

    public TableServiceClient(Uri endpoint, TokenCredential tokenCredential, TableClientOptions options = null)
        : this(Account.From(endpoint, tokenCredential), options)
    {
    }

    private TableServiceClient(Account account, TableClientOptions options) => requests = new Requests(account, options);

    public virtual string AccountName => requests.Account.Name;

    public virtual Uri Uri => requests.Account.Endpoint;

    public virtual TableClient GetTableClient(string tableName) => new(requests, tableName);

    public virtual Task<Response<TableItem>> CreateTableAsync(string tableName, CancellationToken cancellationToken = default) =>
        Tables.CreateAsync(requests, tableName, ifNotExists: false, cancellationToken);

    public virtual Task<Response<TableItem>> CreateTableIfNotExistsAsync(string tableName, CancellationToken cancellationToken = default) =>
        Tables.CreateAsync(requests, tableName, ifNotExists: true, cancellationToken);

    public virtual Task<Response> DeleteTableAsync(string tableName, CancellationToken cancellationToken = default) =>
        Tables.DeleteAsync(requests, tableName, cancellationToken);

    public virtual AsyncPageable<TableItem> QueryAsync(string filter = null, int? maxPerPage = null, CancellationToken cancellationToken = default) =>
        new Listing<TableItem>((from, token) => Tables.PageAsync(requests, filter, maxPerPage, from, token), cancellationToken);

    public static string CreateQueryFilter(FormattableString filter) => Filter.Create(filter);
}

/// <summary>Making, dropping and listing tables.</summary>
internal static class Tables
{
    public static async Task<Response<TableItem>> CreateAsync(Requests requests, string table, bool ifNotExists, CancellationToken cancellationToken)
    {
        using var message = requests.Create(RequestMethod.Post, "Tables");
        message.Request.Headers.Add("Prefer", "return-no-content");
        Requests.SetJson(message.Request, JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["TableName"] = table }));
        var response = await requests.SendAsync(message, cancellationToken).ConfigureAwait(false);
        var exists = response.Status == 409 && Errors.Code(response) == "TableAlreadyExists";
        if (response.Status is not (201 or 204) && !(exists && ifNotExists))
            throw Errors.From(response);
        return Response.FromValue(new TableItem(table), response);
    }

    /// <summary>A table that is not there is no error.</summary>
    public static async Task<Response> DeleteAsync(Requests requests, string table, CancellationToken cancellationToken)
    {
        using var message = requests.Create(RequestMethod.Delete, $"Tables('{Uri.EscapeDataString(table)}')");
        var response = await requests.SendAsync(message, cancellationToken).ConfigureAwait(false);
        return response.Status is 204 or 404 ? response : throw Errors.From(response);
    }

    public static async ValueTask<Page<TableItem>> PageAsync(
        Requests requests, string filter, int? maxPerPage, string from, CancellationToken cancellationToken)
    {
        using var message = requests.Create(RequestMethod.Get, "Tables");
        if (filter is not null)
            message.Request.Uri.AppendQuery("$filter", filter, true);
        if (maxPerPage is { } top)
            message.Request.Uri.AppendQuery("$top", top.ToString(CultureInfo.InvariantCulture), true);
        if (from is not null)
            message.Request.Uri.AppendQuery("NextTableName", from, true);
        var response = await requests.SendAsync(message, 200, cancellationToken).ConfigureAwait(false);
        var items = Wire.ReadEntities(response.Content.ToMemory()).ConvertAll(t => new TableItem(t.GetString("TableName")));
        response.Headers.TryGetValue("x-ms-continuation-NextTableName", out var next);
        return Page<TableItem>.FromValues(items, next, response);
    }
}
