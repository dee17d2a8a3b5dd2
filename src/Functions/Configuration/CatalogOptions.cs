using System.Text.RegularExpressions;
using Tidemark.Domain.Enrichment;

namespace Tidemark.Functions.Configuration;

/// <summary>What happens while no catalog could be read yet.</summary>
public enum CatalogStart
{
    /// <summary>Reading waits.</summary>
    Wait,

    /// <summary>Events are enriched with nulls.</summary>
    Nulls,
}

/// <summary>What kind of place a catalog is in.</summary>
public enum CatalogKind
{
    /// <summary>A CSV file.</summary>
    File,

    /// <summary>A CSV blob in the lake's container.</summary>
    Blob,

    /// <summary>A Delta table in the lake's container.</summary>
    Delta,

    /// <summary>A table in Table storage.</summary>
    Table,
}

/// <summary>Where the catalog is and how it is used.</summary>
public sealed partial record CatalogOptions(CatalogKind Kind, string Place, TimeSpan Refresh, CatalogJoin Join, CatalogStart Start)
{
    internal static CatalogOptions? Read(SettingReader read)
    {
        if (read.Optional(Settings.Names.Catalog) is null)
            return null;
        var text = read.Text(Settings.Names.Catalog, Form());
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return new CatalogOptions(
            Enum.Parse<CatalogKind>(text[..colon], ignoreCase: true),
            text[(colon + 1)..],
            read.Duration(Settings.Names.CatalogRefresh, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
            read.Choice<CatalogJoin>(Settings.Names.CatalogJoin),
            read.Choice<CatalogStart>(Settings.Names.CatalogStart));
    }

    [GeneratedRegex("^(file:.+|(blob|delta):[^/].*|table:[A-Za-z][A-Za-z0-9]{2,62})$")]
    private static partial Regex Form();
}
