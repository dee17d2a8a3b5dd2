using System.Globalization;
using System.Text.Json;
using Azure.Core;

namespace Azure.Data.Tables;

/// <summary>The service's error: <c>{"odata.error":{"code":…,"message":{"value":…}}}</c>, or only a header.</summary>
internal sealed class Errors : RequestFailedDetailsParser
{
    private static readonly Errors Parser = new();

    public static RequestFailedException From(Response response) => new(response, null, Parser);

    /// <summary>In a transaction the message starts with the index of the action: <c>3:The specified entity already exists.</c></summary>
    public static TableTransactionFailedException FromTransaction(Response response)
    {
        var message = Read(response).Message ?? "";
        var digits = message.AsSpan(0, Math.Max(0, message.IndexOf(':', StringComparison.Ordinal)));
        int? index = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var named) ? named : null;
        return new TableTransactionFailedException(index, From(response));
    }

    public static string Code(Response response) =>
        response.Headers.TryGetValue("x-ms-error-code", out var code) ? code : Read(response).Code;

    public override bool TryParse(Response response, out ResponseError error, out IDictionary<string, string> data)
    {
        var (code, message) = Read(response);
        data = new Dictionary<string, string>();
        error = code is null ? null : new ResponseError(code, message);
        return code is not null;
    }

    private static (string Code, string Message) Read(Response response)
    {
        try
        {
            using var json = JsonDocument.Parse(response.Content.ToMemory());
            var error = json.RootElement.GetProperty("odata.error");
            return (error.GetProperty("code").GetString(), error.GetProperty("message").GetProperty("value").GetString());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // Proxies and load balancers answer in HTML or with nothing; the status is all there is.
            return (null, null);
        }
    }
}
