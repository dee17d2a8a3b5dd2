using System.Globalization;

namespace Tidemark.LocalHost.Doctor;

/// <summary>What was tried on storage: null = it worked, else why not.</summary>
/// <param name="Blobs">Writing, reading and deleting a blob.</param>
/// <param name="BlobConditions">Of two that put a blob where none is, one wins; a put on an old version is refused.</param>
/// <param name="Tables">Writing, reading and deleting a row.</param>
/// <param name="TableConditions">A write on an old version of a row is refused.</param>
/// <param name="ClockSkew">This clock less the storage's; null when it told no time.</param>
internal sealed record StorageFacts(string? Blobs, string? BlobConditions, string? Tables, string? TableConditions, TimeSpan? ClockSkew);

/// <summary>Judges storage and clocks.</summary>
internal static class StorageRules
{
    /// <summary>Marks what could not be tried because container or table are not there yet.</summary>
    public const string NotThereYet = "not there yet";

    private static readonly TimeSpan SkewToLookAt = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SkewThatBreaks = TimeSpan.FromMinutes(5);

    public static IEnumerable<Finding> Judge(StorageFacts facts)
    {
        yield return Tried("blob storage", facts.Blobs, "Blobs can be written, read and deleted.", "Give the identity Storage Blob Data Contributor on the lake's account, or check LakeConnection.");
        if (facts.Blobs is null)
            yield return Tried("blob conditions", facts.BlobConditions, "Conditional writes hold, so a Delta version has one writer.", "Use Azure Storage, or another store that keeps If-None-Match and If-Match.");
        yield return Tried("table storage", facts.Tables, "Rows can be written, read and deleted.", "Give the identity Storage Table Data Contributor on the ledger's account, or check TablesConnection.");
        if (facts.Tables is null)
            yield return Tried("table conditions", facts.TableConditions, "Compare-and-set holds, so a range is committed once.", "Use Azure Storage, or another store that keeps If-Match.");
        yield return Clock(facts.ClockSkew);
    }

    private static Finding Tried(string check, string? failure, string good, string remedy) => failure switch
    {
        null => Finding.Ok(check, good),
        NotThereYet => Finding.Unknown(check, "It is not there yet: the first run makes it."),
        _ => Finding.Failure(check, failure, remedy),
    };

    private static Finding Clock(TimeSpan? skew) => skew is not { } off
        ? Finding.Unknown("clock", "The storage told no time.")
        : off.Duration() switch
        {
            var d when d > SkewThatBreaks => Finding.Failure("clock", Text($"This clock is {off.TotalSeconds:0} s off the storage's."), "Set the clock by NTP: storage refuses requests of another time, and idleness and leases are judged by it."),
            var d when d > SkewToLookAt => Finding.Warning("clock", Text($"This clock is {off.TotalSeconds:0} s off the storage's."), "Set the clock by NTP."),
            _ => Finding.Ok("clock", Text($"This clock is within {SkewToLookAt.TotalSeconds:0} s of the storage's.")),
        };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
