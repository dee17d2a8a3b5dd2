using System.Globalization;
using Microsoft.Extensions.Configuration;
using Tidemark.Domain.Ledger;
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

    /// <summary>
    /// The same where events were read since that are not in it. The settings of a pipeline at work may be others than these, and then it has them.
    /// </summary>
    /// <param name="settings">Settings.</param>
    /// <param name="id">Of the pipeline.</param>
    /// <param name="eventTable">Its table of events.</param>
    /// <param name="cancel">Ends reading.</param>
    public static async Task<string?> BehindAsync(IConfiguration settings, PipelineId id, string eventTable, CancellationToken cancel)
    {
        if (await NotContinuedAsync(settings, cancel) is not { } sentence)
            return null;
        var lake = LakeReader.Of(settings);
        var (enriched, events) = (await lake.PositionsAsync(Name, cancel), await lake.PositionsAsync(eventTable, cancel));
        var prefix = $"{id}/{eventTable}/";
        return events.Any(of => of.Key.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(of.Key.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            && of.Value > enriched.GetValueOrDefault(id.TableAppId(Name, partition))) ? sentence : null;
    }

    /// <summary>Whether settings name anything that events are joined with.</summary>
    public static bool IsMade(IConfiguration settings) => TidemarkOptions.Read(settings).ToEnrichment() is not null;
}
