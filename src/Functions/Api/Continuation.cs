using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Api;

/// <summary>
/// Where the next page begins, as callers carry it. It holds the key of the last row and a digest of what was asked, so one of another question is refused
/// rather than answered with rows of that.
/// </summary>
internal static class Continuation
{
    public static string Write(RowsWanted wanted, string source, string after) =>
        Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new Token(Digest(wanted, source), after)));

    /// <summary>The key to go on after; null for what is no token of this question.</summary>
    public static string? Read(RowsWanted wanted, string source, string token)
    {
        try
        {
            return JsonSerializer.Deserialize<Token>(Base64Url.DecodeFromChars(token)) is { After: { Length: > 0 } after, Of: { } of } && of == Digest(wanted, source) ? after : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    private static string Digest(RowsWanted wanted, string source)
    {
        var asked = JsonSerializer.SerializeToUtf8Bytes(new { wanted.Output.Name, wanted.From, wanted.To, Keys = wanted.Keys.Select(k => new[] { k.Column, k.Value }), source });
        return Convert.ToHexStringLower(SHA256.HashData(asked).AsSpan(0, 8));
    }

    private sealed record Token(string Of, string After);
}
