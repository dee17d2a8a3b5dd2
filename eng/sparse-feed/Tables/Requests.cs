using System.Buffers;
using System.Text.Json;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Azure.Data.Tables;

/// <summary>Builds and sends the requests of one account through Azure.Core's pipeline (retries, logging, transport).</summary>
internal sealed class Requests
{
    public const string MinimalMetadata = "application/json;odata=minimalmetadata";

    private readonly HttpPipeline pipeline;
    private readonly string version;

    public Requests(Account account, TableClientOptions options)
    {
        options ??= new TableClientOptions();
        Account = account;
        version = options.Version;
        pipeline = HttpPipelineBuilder.Build(options, account.Authorization is null ? [] : [account.Authorization]);
    }

    public Account Account { get; }

    /// <summary>A request to the path under the account's address; each part is escaped by the caller.</summary>
    public HttpMessage Create(RequestMethod method, string path)
    {
        var message = pipeline.CreateMessage();
        var request = message.Request;
        request.Method = method;
        request.Uri.Reset(Account.Endpoint);
        request.Uri.AppendPath("/", escape: false);
        request.Uri.AppendPath(path, escape: false);
        request.Headers.Add("x-ms-version", version);
        request.Headers.Add("DataServiceVersion", "3.0");
        request.Headers.Add("Accept", MinimalMetadata);
        return message;
    }

    public static void SetJson(Request request, ReadOnlyMemory<byte> body)
    {
        request.Headers.Add("Content-Type", "application/json");
        request.Content = RequestContent.Create(body);
    }

    public static ReadOnlyMemory<byte> Json(TableEntity entity)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }))
            Wire.Write(json, entity);
        return buffer.WrittenMemory;
    }

    /// <summary>Sends and gives the answer whatever its status; the caller knows which are errors.</summary>
    public async ValueTask<Response> SendAsync(HttpMessage message, CancellationToken cancellationToken)
    {
        await pipeline.SendAsync(message, cancellationToken).ConfigureAwait(false);
        return message.Response;
    }

    /// <summary>Sends; any status but the expected one is an error.</summary>
    public async ValueTask<Response> SendAsync(HttpMessage message, int expected, CancellationToken cancellationToken)
    {
        var response = await SendAsync(message, cancellationToken).ConfigureAwait(false);
        return response.Status == expected ? response : throw Errors.From(response);
    }

    public static string EntityPath(string table, string partitionKey, string rowKey) =>
        $"{table}(PartitionKey={Key(partitionKey)},RowKey={Key(rowKey)})";

    private static string Key(string key) => Uri.EscapeDataString(Filter.Quote(key));
}

/// <summary>The answer "there is no such entity" of GetEntityIfExists.</summary>
internal sealed class NoEntity<T>(Response response) : NullableResponse<T>
{
    public override bool HasValue => false;

    public override T Value => throw new InvalidOperationException("There is no such entity; see HasValue.");

    public override Response GetRawResponse() => response;
}

/// <summary>A listing that the service gives page by page.</summary>
internal sealed class Listing<T>(Func<string, CancellationToken, ValueTask<Page<T>>> next, CancellationToken cancellationToken)
    : AsyncPageable<T>(cancellationToken)
{
    public override async IAsyncEnumerable<Page<T>> AsPages(string continuationToken = null, int? pageSizeHint = null)
    {
        do
        {
            var page = await next(continuationToken, CancellationToken).ConfigureAwait(false);
            yield return page;
            continuationToken = page.ContinuationToken;
        }
        while (continuationToken is not null);
    }
}
