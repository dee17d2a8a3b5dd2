using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace Tidemark.LocalHost.Web;

/// <summary>The keys of a data directory, made at its first use: <c>function</c> opens routes of level Function, <c>master</c> opens all.</summary>
internal sealed record AccessKeys(string Function, string Master)
{
    /// <summary>Reads the keys, or makes and writes them, readable by the owner only.</summary>
    public static AccessKeys Load(string path)
    {
        if (File.Exists(path) && JsonSerializer.Deserialize<AccessKeys>(File.ReadAllBytes(path)) is { } stored)
            return stored;
        var keys = new AccessKeys(NewKey(), NewKey());
        File.WriteAllText(path, JsonSerializer.Serialize(keys));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return keys;
    }

    /// <summary>Whether the request may call a route of this level: key in the header <c>x-functions-key</c> or the query <c>code</c>.</summary>
    public bool Allows(HttpRequest request, AuthorizationLevel level)
    {
        if (level == AuthorizationLevel.Anonymous)
            return true;
        var given = request.Headers["x-functions-key"].FirstOrDefault() ?? request.Query["code"].FirstOrDefault();
        if (given is null)
            return false;
        return Same(given, Master) || (level is AuthorizationLevel.Function && Same(given, Function));
    }

    private static bool Same(string given, string key) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(key));

    private static string NewKey() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
}
