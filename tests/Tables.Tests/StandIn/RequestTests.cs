using Azure;
using Azure.Core;
using Azure.Data.Tables;
using Tidemark.Tests;

namespace Tidemark.Tables.Tests.StandIn;

public class RequestTests
{
    private const string Conflict = """{"odata.error":{"code":"EntityAlreadyExists","message":{"lang":"en-US","value":"There."}}}""";

    [Fact]
    public async Task Busy_servers_are_asked_again_and_refusals_are_not()
    {
        var left = 2;
        using var busy = new Scripted(_ => left-- > 0 ? Scripted.Json(503, "") : new HttpResponseMessage(System.Net.HttpStatusCode.NoContent));
        using var refusing = new Scripted(_ => Scripted.Json(409, Conflict));

        await Client(busy).AddEntityAsync(new TableEntity("p", "r"));
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => Client(refusing).AddEntityAsync(new TableEntity("p", "r")));

        Assert.Equal(3, busy.Asked.Count);
        Assert.Single(refusing.Asked);
        Assert.Equal("EntityAlreadyExists", error.ErrorCode);
    }

    [Fact]
    public async Task An_answer_that_is_not_the_services_still_gives_its_status()
    {
        using var proxy = new Scripted(_ => Scripted.Json(403, "<html>blocked</html>"));

        var error = await Assert.ThrowsAsync<RequestFailedException>(() => Client(proxy).AddEntityAsync(new TableEntity("p", "r")));
        var batch = await Assert.ThrowsAsync<RequestFailedException>(() => Client(proxy).SubmitTransactionAsync(
            [new(TableTransactionActionType.Add, new TableEntity("p", "r"))]));

        Assert.Equal(403, error.Status);
        Assert.Equal(403, batch.Status);
    }

    [Fact]
    public async Task A_token_credential_is_asked_for_the_storage_audience()
    {
        using var service = new Scripted(_ => new HttpResponseMessage(System.Net.HttpStatusCode.NoContent));
        var credential = new FixedToken();
        var table = new TableClient(service.Endpoint, "t", credential, service.Options());

        await table.AddEntityAsync(new TableEntity("p", "r"));

        Assert.Equal("Bearer secret", service.Asked[0].Headers["Authorization"]);
        Assert.Equal(["https://storage.azure.com/.default"], credential.Scopes);
        Assert.Equal("account", table.AccountName);
    }

    [Fact]
    public async Task A_shared_access_signature_is_in_every_request_once_even_when_tried_again()
    {
        var left = 1;
        using var service = new Scripted(_ => left-- > 0 ? Scripted.Json(500, "") : Scripted.Json(200, """{"value":[]}"""));
        var table = new TableServiceClient(service.Endpoint, new AzureSasCredential("?sv=1&sig=a%2Fb"), service.Options()).GetTableClient("t");

        await foreach (var entity in table.QueryAsync<TableEntity>("PartitionKey eq 'p'"))
            Assert.Fail($"Nothing was stored, yet {entity.RowKey} came.");

        Assert.Equal(2, service.Asked.Count);
        Assert.All(service.Asked, a => Assert.EndsWith("&sv=1&sig=a%2Fb", a.Uri.Query));
        Assert.All(service.Asked, a => Assert.Equal(2, a.Uri.Query.Split("sv=1").Length));
    }

    [Theory]
    [InlineData("UseDevelopmentStorage=true", "http://127.0.0.1:10002/devstoreaccount1", "devstoreaccount1")]
    [InlineData("AccountName=acc;AccountKey=AAAA", "https://acc.table.core.windows.net/", "acc")]
    [InlineData("DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=AAA=;EndpointSuffix=core.chinacloudapi.cn", "http://acc.table.core.chinacloudapi.cn/", "acc")]
    [InlineData("TableEndpoint=http://localhost:10002/dev/;AccountName=dev;AccountKey=AAAA", "http://localhost:10002/dev", "dev")]
    [InlineData("TableEndpoint=https://acc.table.core.windows.net;SharedAccessSignature=sv=1&sig=x", "https://acc.table.core.windows.net/", "acc")]
    public void Connection_strings_name_the_account(string text, string endpoint, string account)
    {
        var service = new TableServiceClient(text);

        Assert.Equal((endpoint, account), (service.Uri.AbsoluteUri, service.AccountName));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("AccountName=acc")]
    [InlineData("DefaultEndpointsProtocol=https;AccountKey=secretsecret")]
    public void A_broken_connection_string_is_refused_without_showing_its_secrets(string text)
    {
        var error = Assert.Throws<FormatException>(() => new TableServiceClient(text));

        Assert.DoesNotContain("secretsecret", error.ToString());
    }

    [Fact]
    public void A_getter_of_another_type_names_the_property_and_both_types()
    {
        var entity = new TableEntity("p", "r") { ["Count"] = 1 };

        var error = Assert.Throws<InvalidOperationException>(() => entity.GetInt64("Count"));

        Assert.Contains("'Count' is a Int32, not a Int64", error.Message);
    }

    [Fact]
    public async Task A_value_without_a_table_type_is_refused_before_anything_is_sent()
    {
        using var service = new Scripted(_ => throw new InvalidOperationException("sent"));

        var error = await Assert.ThrowsAsync<NotSupportedException>(() => Client(service).AddEntityAsync(new TableEntity("p", "r") { ["Money"] = 1m }));

        Assert.Contains("'Money' is a Decimal", error.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public async Task Too_few_or_many_actions_are_refused_before_anything_is_sent(int count)
    {
        using var service = new Scripted(_ => throw new IOException("sent"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => Client(service).SubmitTransactionAsync(
            Enumerable.Range(0, count).Select(i => new TableTransactionAction(TableTransactionActionType.Add, new TableEntity("p", $"{i}")))));
    }

    [Fact]
    public async Task An_update_without_an_ETag_is_refused()
    {
        using var service = new Scripted(_ => throw new IOException("sent"));

        await Assert.ThrowsAsync<ArgumentException>(() => Client(service).UpdateEntityAsync(new TableEntity("p", "r"), default));
    }

    [Theory]
    [InlineData("""{"V":"5","V@odata.type":"Edm.Int64"}""", 5L)]
    [InlineData("""{"V@odata.type":"Edm.Int64","V":"5"}""", 5L)]
    [InlineData("""{"V":5}""", 5)]
    [InlineData("""{"V":5.0}""", 5.0)]
    [InlineData("""{"V":5e3}""", 5000.0)]
    [InlineData("""{"V@odata.type":"Edm.Double","V":5}""", 5.0)]
    [InlineData("""{"odata.metadata":"x","odata.extra":{"a":[1]},"V":"s"}""", "s")]
    public async Task Types_are_understood_wherever_the_annotation_stands(string json, object expected)
    {
        using var service = new Scripted(_ => Scripted.Json(200, json));
        var table = Client(service);

        var read = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;

        Assert.Equal(expected, read["V"]);
        Assert.Equal(expected.GetType(), read["V"].GetType());
    }

    private static TableClient Client(Scripted service) =>
        new(service.Endpoint, "t", new TableSharedKeyCredential("account", Azurite.Key), service.Options());

    private sealed class FixedToken : TokenCredential
    {
        public string[] Scopes { get; private set; } = [];

        public override AccessToken GetToken(TokenRequestContext context, CancellationToken cancellationToken)
        {
            Scopes = context.Scopes;
            return new AccessToken("secret", DateTimeOffset.MaxValue);
        }

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext context, CancellationToken cancellationToken) =>
            ValueTask.FromResult(GetToken(context, cancellationToken));
    }
}
