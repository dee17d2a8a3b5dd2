using System.Globalization;
using Microsoft.Extensions.Configuration;
using Tidemark.Functions.Configuration;

namespace Tidemark.LocalHost.Lake;

/// <summary>The table of enriched events, which is made only while settings name what events are joined with.</summary>
internal static class EnrichedTable
{
    /// <summary>What keeps it from being made.</summary>
    public const string Unset = "Catalog, Customers and Countries are not set";

    public const string Name = "gold/enriched_clickstream";

    /// <summary>A sentence where the table has rows and these settings do not continue it; else null.</summary>
    public static async Task<string?> NotContinuedAsync(IConfiguration settings, CancellationToken cancel)
    {
        if (IsMade(settings))
            return null;
        var lake = LakeReader.Of(settings);
        return await lake.HasAsync(Name, cancel) && await lake.CountAsync(Name, cancel) is > 0 and var rows
            ? string.Create(CultureInfo.InvariantCulture, $"{Name} has {rows:N0} row{(rows == 1 ? "" : "s")} here and is not continued, since {Unset}.") : null;
    }

    /// <summary>Whether settings name anything that events are joined with.</summary>
    public static bool IsMade(IConfiguration settings) => TidemarkOptions.Read(settings).ToEnrichment() is not null;
}
