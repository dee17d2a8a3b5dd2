using System.Globalization;
using Microsoft.Extensions.Configuration;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Replaying;

/// <summary>Tables with rows that the present version has and another has not: they would be gone from sight when that one is shown.</summary>
/// <param name="Tables">Their names and rows.</param>
/// <param name="Next">Settings of the other version.</param>
/// <param name="Present">Settings of the present one.</param>
internal sealed record LostTables(IReadOnlyList<(string Name, long Rows)> Tables, IConfiguration Next, IConfiguration Present)
{
    /// <param name="present">Settings of the version that is shown.</param>
    /// <param name="next">Settings of the other.</param>
    /// <param name="names">The tables that the other has, or will have.</param>
    /// <param name="cancel">Ends reading.</param>
    public static async Task<LostTables> FindAsync(IConfiguration present, IConfiguration next, IEnumerable<string> names, CancellationToken cancel)
    {
        var (lake, lost) = (LakeReader.Of(present), new List<(string, long)>());
        foreach (var table in (await lake.TablesAsync(cancel)).Except(names))
            if (await lake.CountAsync(table, cancel) is > 0 and var rows)
                lost.Add((table, rows));
        return new LostTables(lost, next, present);
    }

    /// <summary>A sentence for each.</summary>
    public IEnumerable<string> Sentences() => Tables.Select(table => What(table) + ".");

    /// <param name="without">Tables that are given up.</param>
    /// <exception cref="SettingException">One is lost that is not given up, or the present version has no such table.</exception>
    public void Check(IReadOnlyList<string> without)
    {
        if (without.FirstOrDefault(name => Tables.All(table => table.Name != name)) is { } other)
            throw new SettingException($"--without {other}: version {ReplayCommands.Version(Next)} does not lack such a table; leave the option out.");
        if (Tables.FirstOrDefault(table => !without.Contains(table.Name)) is { Name: not null } lost)
            throw new SettingException(
                $"{What(lost)}; {(IsForWantOfSettings(lost.Name) ? "set what it was made with and replay under another version, or " : "")}give --without {lost.Name} to show that version all the same.");
    }

    private string What((string Name, long Rows) table) => string.Create(
        CultureInfo.InvariantCulture,
        $"Version {ReplayCommands.Version(Next)} has no {table.Name}, which has {table.Rows:N0} row{(table.Rows == 1 ? "" : "s")} in version {ReplayCommands.Version(Present)}{(IsForWantOfSettings(table.Name) ? $", since {EnrichedTable.Unset}" : "")}");

    private bool IsForWantOfSettings(string table) => table == EnrichedTable.Name && !EnrichedTable.IsMade(Next);
}
