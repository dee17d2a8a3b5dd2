using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Azure.Data.Tables;

/// <summary>Signs a request with the account's key. Source: REST reference, "Authorize with Shared Key", Table service, Shared Key.</summary>
internal sealed class SharedKeyPolicy(TableSharedKeyCredential credential) : HttpPipelineSynchronousPolicy
{
    public override void OnSendingRequest(HttpMessage message)
    {
        var request = message.Request;
        var date = DateTime.UtcNow.ToString("R", CultureInfo.InvariantCulture);
        request.Headers.SetValue("x-ms-date", date);
        request.Headers.TryGetValue("Content-MD5", out var hash);
        request.Headers.TryGetValue("Content-Type", out var type);
        var uri = request.Uri.ToUri();
        var text = $"{request.Method}\n{hash}\n{type}\n{date}\n/{credential.AccountName}{uri.AbsolutePath}";
        if (uri.Query.Contains("comp=", StringComparison.Ordinal))
            text += "?comp=" + uri.Query.Split("comp=")[1].Split('&')[0];
        var signature = Convert.ToBase64String(HMACSHA256.HashData(credential.Key, Encoding.UTF8.GetBytes(text)));
        request.Headers.SetValue("Authorization", $"SharedKey {credential.AccountName}:{signature}");
    }
}

/// <summary>Adds the shared access signature, which may be renewed between tries.</summary>
internal sealed class SharedAccessPolicy(AzureSasCredential credential) : HttpPipelineSynchronousPolicy
{
    public override void OnSendingRequest(HttpMessage message)
    {
        var signature = credential.Signature.TrimStart('?');
        var query = message.Request.Uri.Query;
        if (message.TryGetProperty(nameof(SharedAccessPolicy), out var earlier) && earlier is string old)
            query = query.Replace(old, signature, StringComparison.Ordinal);
        else
            query = string.IsNullOrEmpty(query) ? "?" + signature : query + "&" + signature;
        message.Request.Uri.Query = query;
        message.SetProperty(nameof(SharedAccessPolicy), signature);
    }
}
