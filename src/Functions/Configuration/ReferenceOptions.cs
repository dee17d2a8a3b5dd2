using System.Text.RegularExpressions;

namespace Tidemark.Functions.Configuration;

/// <summary>What happens while no table of reference data could be read yet.</summary>
public enum CatalogStart
{
    /// <summary>Reading waits.</summary>
    Wait,

    /// <summary>Events are enriched with nulls.</summary>
    Nulls,
}

/// <summary>What kind of place reference data is in.</summary>
public enum ReferenceKind
{
    /// <summary>A CSV file.</summary>
    File,

    /// <summary>A CSV blob in the lake's container.</summary>
    Blob,

    /// <summary>A Delta table in the lake's container.</summary>
    Delta,

    /// <summary>A table in Table storage.</summary>
    Table,

    /// <summary>A compacted topic of the brokers.</summary>
    Kafka,
}

/// <summary>Where a table of reference data is and how it is used.</summary>
public sealed partial record ReferenceOptions(ReferenceKind Kind, string Place, TimeSpan Refresh, CatalogStart Start)
{
    internal static ReferenceOptions? Read(SettingReader read, string setting, string mainTopic)
    {
        if (read.Optional(setting) is null)
            return null;
        var text = read.Text(setting, Form());
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var (kind, place) = (Enum.Parse<ReferenceKind>(text[..colon], ignoreCase: true), text[(colon + 1)..]);
        if (kind == ReferenceKind.Kafka && place == mainTopic)
            throw new InvalidSettingException(setting, $"is '{text}', and {place} is {Settings.Names.KafkaTopic}; reference data is in a topic of its own.");
        return new ReferenceOptions(
            kind, place,
            read.Duration(Settings.Names.CatalogRefresh, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
            read.Choice<CatalogStart>(Settings.Names.CatalogStart));
    }

    [GeneratedRegex(@"^(file:.+|(blob|delta):[^/].*|table:[A-Za-z][A-Za-z0-9]{2,62}|kafka:(?!\.{1,2}$)[A-Za-z0-9._-]{1,249})$")]
    private static partial Regex Form();
}
