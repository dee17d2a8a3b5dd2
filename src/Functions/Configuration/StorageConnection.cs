using System.Globalization;
using Azure.Core;
using Azure.Identity;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;

namespace Tidemark.Functions.Configuration;

/// <summary>
/// How to reach a storage account: a connection string, or the address of a service with an identity. As in bindings of Azure Functions,
/// <c>{name}__tableServiceUri</c> (or <c>__blobServiceUri</c>, <c>__serviceUri</c>, <c>__accountName</c>) stand for the latter, and
/// <c>{name}__clientId</c> names a user-assigned identity.
/// </summary>
public sealed class StorageConnection
{
    private readonly string? _connectionString;
    private readonly Uri? _service;
    private readonly string? _clientId;

    private StorageConnection(string setting, string? connectionString, Uri? service, string? clientId) =>
        (Setting, _connectionString, _service, _clientId) = (setting, connectionString, service, clientId);

    /// <summary>The setting it came from.</summary>
    public string Setting { get; }

    /// <summary>The connection of that name, or else of the host's own storage.</summary>
    /// <param name="configuration">Settings.</param>
    /// <param name="name">e.g. <c>LakeConnection</c>.</param>
    /// <param name="service"><c>table</c> or <c>blob</c>.</param>
    /// <param name="otherwise">Connection to take before the host's when this one is not set; null = none.</param>
    public static StorageConnection Read(IConfiguration configuration, string name, string service, string? otherwise = null) =>
        TryRead(configuration, name, service)
        ?? (otherwise is null ? null : TryRead(configuration, otherwise, service))
        ?? TryRead(configuration, Settings.Names.HostStorage, service)
        ?? throw new InvalidSettingException(name, $"and {Settings.Names.HostStorage} are both missing; set one to a storage connection string, or set {name}__{service}ServiceUri for an identity.");

    /// <summary>Whether the settings name that very connection, by a connection string or an address.</summary>
    public static bool IsNamed(IConfiguration configuration, string name, string service) => TryRead(configuration, name, service) is not null;

    /// <summary>A client of Table storage.</summary>
    public TableServiceClient Tables(TableClientOptions options) => _service is null
        ? Checked(() => new TableServiceClient(_connectionString, options))
        : new TableServiceClient(_service, Credential(), options);

    /// <summary>A client of Blob storage.</summary>
    public BlobServiceClient Blobs(BlobClientOptions options) => _service is null
        ? Checked(() => new BlobServiceClient(_connectionString, options))
        : new BlobServiceClient(_service, Credential(), options);

    /// <summary>Without any secret.</summary>
    public override string ToString() => _service is null ? $"{Setting} (connection string)" : $"{Setting} ({_service})";

    private static StorageConnection? TryRead(IConfiguration configuration, string name, string service)
    {
        if (Value(configuration[name]) is { } text)
            return new StorageConnection(name, text, null, null);
        if ((Part(service + "ServiceUri") ?? Part("serviceUri")) is { } address)
        {
            return Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"
                ? new StorageConnection(name, null, uri, Part("clientId"))
                : throw new InvalidSettingException($"{name}__{service}ServiceUri", $"is '{address}'; it should be an address such as https://account.{service}.core.windows.net.");
        }

        return Part("accountName") is { } account
            ? new StorageConnection(name, null, new Uri(string.Create(CultureInfo.InvariantCulture, $"https://{account}.{service}.core.windows.net")), Part("clientId"))
            : null;

        string? Part(string part) => Value(configuration[$"{name}:{part}"]) ?? Value(configuration[$"{name}__{part}"]);
        static string? Value(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;
    }

    private TokenCredential Credential() => _clientId is null
        ? new DefaultAzureCredential()
        : new DefaultAzureCredential(new DefaultAzureCredentialOptions { ManagedIdentityClientId = _clientId });

    private T Checked<T>(Func<T> create)
    {
        try
        {
            return create();
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException or UriFormatException)
        {
            // The inner exception may quote the string with its key, so it is not passed on.
            throw new InvalidSettingException(Setting, "is no storage connection string; copy it from the storage account's access keys, or write UseDevelopmentStorage=true for Azurite.");
        }
    }
}
