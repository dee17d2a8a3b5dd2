using Azure.Core;
using Azure.Core.Pipeline;

namespace Azure.Data.Tables;

/// <summary>Where the account is and how requests are signed.</summary>
internal sealed record Account(Uri Endpoint, string Name, HttpPipelinePolicy Authorization)
{
    // The emulator's account is documented and the same everywhere.
    private const string DevelopmentName = "devstoreaccount1";
    private const string DevelopmentKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    public static Account From(Uri endpoint, TableSharedKeyCredential credential) =>
        new(endpoint, credential.AccountName, new SharedKeyPolicy(credential));

    public static Account From(Uri endpoint, TokenCredential credential) =>
        new(endpoint, NameIn(endpoint), new BearerTokenAuthenticationPolicy(credential, "https://storage.azure.com/.default"));

    public static Account From(Uri endpoint, AzureSasCredential credential) =>
        new(endpoint, NameIn(endpoint), new SharedAccessPolicy(credential));

    /// <summary>A signature, if any, is in the address.</summary>
    public static Account From(Uri endpoint) => new(endpoint, NameIn(endpoint), null);

    public static Account From(string connectionString)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionString);
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw new FormatException("A part of the storage connection string is no name=value pair; check the setting.");
            settings[part[..equals]] = part[(equals + 1)..];
        }

        return settings.GetValueOrDefault("UseDevelopmentStorage") is "true" or "True" ? Development(settings) : From(settings);
    }

    private static Account Development(Dictionary<string, string> settings)
    {
        var proxy = new Uri(settings.GetValueOrDefault("DevelopmentStorageProxyUri") ?? "http://127.0.0.1");
        return From(new Uri($"{proxy.Scheme}://{proxy.Host}:10002/{DevelopmentName}"), new TableSharedKeyCredential(DevelopmentName, DevelopmentKey));
    }

    private static Account From(Dictionary<string, string> settings)
    {
        var name = settings.GetValueOrDefault("AccountName");
        var endpoint = settings.GetValueOrDefault("TableEndpoint");
        if (endpoint is null)
        {
            if (name is null)
                throw new FormatException("The storage connection string has neither TableEndpoint nor AccountName; add one.");
            var suffix = settings.GetValueOrDefault("EndpointSuffix") ?? "core.windows.net";
            endpoint = $"{settings.GetValueOrDefault("DefaultEndpointsProtocol") ?? "https"}://{name}.table.{suffix}";
        }

        var uri = new Uri(endpoint.TrimEnd('/'));
        if (settings.GetValueOrDefault("SharedAccessSignature") is { } signature)
            return From(uri, new AzureSasCredential(signature));
        if (name is null || settings.GetValueOrDefault("AccountKey") is not { } key)
            throw new FormatException("The storage connection string has neither SharedAccessSignature nor AccountName and AccountKey; add one of them.");
        return From(uri, new TableSharedKeyCredential(name, key));
    }

    // Emulators have the account in the path, the service in the host name.
    private static string NameIn(Uri endpoint) =>
        endpoint.HostNameType == UriHostNameType.Dns && endpoint.Host.Contains('.', StringComparison.Ordinal)
            ? endpoint.Host[..endpoint.Host.IndexOf('.', StringComparison.Ordinal)]
            : endpoint.AbsolutePath.Trim('/').Split('/')[0];
}
