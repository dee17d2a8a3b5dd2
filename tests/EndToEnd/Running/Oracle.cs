using System.Text.Json;

namespace Tidemark.EndToEnd.Running;

/// <summary>The independent judge (tests/EndToEnd/oracle) as a process.</summary>
internal static class Oracle
{
    private static readonly string Folder = Path.Combine(Places.Root, "tests/EndToEnd/oracle");
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>
    /// Compares the exported tables with the input of one run or more. Between runs stands what <see cref="PositionsAsync"/> wrote after the earlier one.
    /// Fails the test with the differences.
    /// </summary>
    /// <returns>The verdict: row counts, quarantined by reason, late by query.</returns>
    public static Task<JsonElement> CheckAsync(Station station, string input, params (string Positions, string Input)[] later) => CheckAsync(station, [], input, later);

    /// <summary>As the other, after every late event was merged into its closed windows.</summary>
    public static Task<JsonElement> CheckReopenedAsync(Station station, string input, params (string Positions, string Input)[] later) => CheckAsync(station, ["--reopened"], input, later);

    private static async Task<JsonElement> CheckAsync(Station station, IEnumerable<string> how, string input, (string Positions, string Input)[] later)
    {
        var verdict = station.In("verdict.json");
        await using var run = Start(station,
            ["check", .. how, "--tables", station.Tables, "--verdict", verdict, "--input", input, .. later.SelectMany(l => new[] { "--then", l.Positions, "--input", l.Input })]);
        var code = await run.EndAsync(Limit);
        Assert.True(code == 0, run.Transcript());
        return JsonDocument.Parse(await File.ReadAllTextAsync(verdict)).RootElement;
    }

    /// <summary>Compares the exported tables of the topic of readings with its inputs, after late ones were merged or before; how many rows, late ones and alerts there are.</summary>
    public static async Task<JsonElement> CheckSensorsAsync(Station station, bool isReopened, params string[] inputs)
    {
        await using var run = Start(station, [.. isReopened ? (string[])["--reopened"] : [], "--tables", station.Tables, .. inputs.SelectMany(input => new[] { "--input", input })], "sensors.mjs");
        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());
        return JsonDocument.Parse(run.Output.TrimEnd().Split('\n')[^1]).RootElement;
    }

    /// <summary>Every stream was computed again and had rows, but for those that the input has nothing for.</summary>
    public static void ComparedEveryStream(JsonElement verdict, params string[] except)
    {
        var compared = verdict.GetProperty("compared").EnumerateObject().ToDictionary(table => table.Name, table => table.Value.GetInt64());
        Assert.Equal(Station.Streams.Order(StringComparer.Ordinal), compared.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(except.Order(StringComparer.Ordinal), compared.Where(table => table.Value == 0).Select(table => table.Key).Order(StringComparer.Ordinal));
    }

    /// <summary>Writes where bronze ends now; returns the file.</summary>
    public static async Task<string> PositionsAsync(Station station, string name)
    {
        await using var run = Start(station, ["positions", "--tables", station.Tables]);
        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());
        await File.WriteAllTextAsync(station.In(name), run.Output);
        return station.In(name);
    }

    /// <summary>Rows of an exported table, times in ms since 1970.</summary>
    public static async Task<IReadOnlyList<JsonElement>> RowsAsync(Station station, string table)
    {
        await using var run = Start(station, ["rows", "--tables", station.Tables, table]);
        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());
        return [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    /// <summary>Compares the exported tables of two topics and of their join with what their inputs say; how many rows there are.</summary>
    public static async Task<JsonElement> CheckTopicsAsync(Station station, string shop, string purchases)
    {
        await using var run = Start(station, ["--tables", station.Tables, "--shop", shop, "--purchases", purchases], "topics.mjs");
        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());
        return JsonDocument.Parse(run.Output).RootElement;
    }

    /// <summary>Runs the oracle's own test.</summary>
    public static Run SelfTest(Station station, string first, string second, string third) => Start(station, [first, second, third], "selftest.mjs");

    /// <summary>Runs the client of the API.</summary>
    public static Run Api(Station station, params string[] arguments) => Start(station, arguments, "api.mjs");

    private static Run Start(Station station, IEnumerable<string> arguments, string script = "oracle.mjs")
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules")))
            throw new InvalidOperationException($"{Folder} has no node_modules; run eng/setup.sh (or npm ci there) first.");
        return new Run("node", [Path.Combine(Folder, script), .. arguments], new Dictionary<string, string>(), station.Folder);
    }
}
