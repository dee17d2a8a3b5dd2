using System.Text;

namespace Tidemark.Functions.Configuration;

/// <summary>Where the schema registry is and how to sign in.</summary>
public sealed record SchemaRegistryOptions(Uri Address, string? User, string? Password)
{
    internal static SchemaRegistryOptions? Read(SettingReader read)
    {
        if (read.Optional(Settings.Names.SchemaRegistry) is not { } text)
            return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new InvalidSettingException(Settings.Names.SchemaRegistry, $"is '{text}'; it should be an address such as https://registry.example.com.");
        var (user, password) = (read.Optional(Settings.Names.SchemaRegistryUser), read.Optional(Settings.Names.SchemaRegistryPassword));
        if (user is null != password is null)
            throw new InvalidSettingException(
                user is null ? Settings.Names.SchemaRegistryUser : Settings.Names.SchemaRegistryPassword, "is missing while its counterpart is set; set both or neither.");
        return new SchemaRegistryOptions(address, user, password);
    }

    // A record prints its members; this one must not print the password.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append($"Address = {Address}, User = {User}");
        return true;
    }
}
