using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Tidemark.Domain.Clickstream;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Processes;

namespace Tidemark.EndToEnd.Running;

/// <summary>
/// A place to run the program in: a temporary folder with its --data, a free port, the exported tables and the oracle. Disposing kills (by id)
/// whatever a killed host left behind and deletes the folder.
/// </summary>
internal sealed class Station : IAsyncDisposable
{
    /// <summary>Setting that names a storage account to use instead of the emulated one.</summary>
    public const string Storage = "AzureWebJobsStorage";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>Names of the tables that are exported.</summary>
    public static readonly string[] Exported =
    [
        "bronze/events", "silver/events", "silver/quarantine", "silver/late",
        .. ClickstreamQueries.All.Select(query => $"gold/{query.Name}"),
        .. ClickstreamStreams.All.Select(stream => $"gold/{stream.Name}"),
    ];

    private readonly List<Run> _runs = [];
    private readonly Dictionary<string, string> _environment = [];
    private bool _hasExported;

    /// <summary>Names of the window queries.</summary>
    public static IReadOnlyList<string> Queries { get; } = [.. ClickstreamQueries.All.Select(query => query.Name)];

    /// <summary>Tables of the streams.</summary>
    public static IReadOnlyList<string> Streams { get; } = [.. ClickstreamStreams.All.Select(stream => $"gold/{stream.Name}")];

    public string Folder { get; } = Directory.CreateTempSubdirectory("tidemark-e2e-").FullName;

    public string Data => Path.Combine(Folder, "data");

    public string Tables => Path.Combine(Folder, "tables");

    public int Port { get; } = FreePorts.Take();

    public string In(string name) => Path.Combine(Folder, name);

    /// <summary>A variable in the environment of every process started from now on.</summary>
    public void Set(string name, string value) => _environment[name] = value;

    /// <summary>Takes a variable out again.</summary>
    public void Unset(string name) => _environment.Remove(name);

    /// <summary>Lets the frontier move every second, so that windows close and entities are checkpointed many times within a short run.</summary>
    public void MoveQuickly()
    {
        Set("DeltaInterval", "1s");
        Set("CheckpointInterval", "1s");
    }

    /// <summary>Starts the program with --data and --port added.</summary>
    public Run Start(params string[] arguments) => StartBare([.. arguments, "--data", Data, "--port", $"{Port}"]);

    /// <summary>Starts the program with these arguments alone.</summary>
    public Run StartBare(params string[] arguments)
    {
        var run = new Run(Places.Program, arguments, _environment, Folder);
        _runs.Add(run);
        return run;
    }

    /// <summary>Runs a bounded input to its end: exit code 0 and nothing left running.</summary>
    public async Task<Run> FinishAsync(params string[] arguments)
    {
        var run = Start([.. arguments, "--once"]);
        var code = await run.EndAsync(Limit);
        Assert.True(code == 0, $"Exit code {code}.\n{run.Transcript()}");
        Assert.Empty(Signals.WorkingIn(Folder));
        return run;
    }

    /// <summary>Runs a command on the data directory; what it printed, after it ended with this code.</summary>
    public async Task<string> AskAsync(int code, params string[] arguments)
    {
        var run = StartBare([.. arguments, "--data", Data]);
        var ended = await run.EndAsync(Limit);
        Assert.True(ended == code, $"Exit code {ended}.\n{run.Transcript()}");
        return run.Output;
    }

    /// <summary>Exports every table afresh, and those named; one that nothing was ever written to is not there and left out.</summary>
    public Task ExportAsync(params string[] also) => ExportOnlyAsync([.. Exported, .. also]);

    /// <summary>Exports these tables afresh, and no other: one of them as a user would, the others by the same code in this process, which is many times faster.</summary>
    public async Task ExportOnlyAsync(params string[] tables)
    {
        if (Directory.Exists(Tables))
            Directory.Delete(Tables, recursive: true);
        if (!_hasExported)
            await AskAsync(0, "export", tables[0], Path.Combine(Tables, tables[0]));
        var rest = _hasExported ? tables : tables[1..];
        _hasExported = true;
        if (_environment.ContainsKey(Storage))
            await CopyAsync(rest);
        else
            await WithStorageAsync(() => CopyAsync(rest));
    }

    private async Task CopyAsync(IReadOnlyList<string> tables)
    {
        var lake = LakeReader.Of(new ConfigurationBuilder().AddInMemoryCollection(_environment!).Build());
        foreach (var table in (await lake.TablesAsync(CancellationToken.None)).Intersect(tables))
            await lake.ExportAsync(table, Path.Combine(Tables, table), CancellationToken.None);
    }

    /// <summary>With the directory's storage at work throughout, and not started for each command anew.</summary>
    public Task WithStorageAsync(Func<Task> use) => WithStorageAsync(_ => use());

    /// <summary>The same, for who asks it directly: with its connection string.</summary>
    public async Task WithStorageAsync(Func<string, Task> use)
    {
        await using var azurite = new OwnAzurite(this, Path.Combine(Data, "azurite"));
        await azurite.StartAsync();
        Set(Storage, azurite.ConnectionString);
        try
        {
            await use(azurite.ConnectionString);
        }
        catch (Exception e) when (azurite.HasEnded)
        {
            throw new InvalidOperationException($"Storage ended while it was used: {azurite.Transcript()}", e);
        }

        Unset(Storage);
        await azurite.StopAsync();
    }

    /// <summary>Waits for something to become true; fails with the transcript when it does not.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan limit, Func<string> explain)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > limit)
                Assert.Fail($"Did not come true within {limit}: {explain()}");
            await Task.Delay(200);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var run in _runs)
            await run.DisposeAsync();
        foreach (var (id, _) in Signals.WorkingIn(Folder))
            Process.GetProcessById(id).Kill();
        // Files of a process that is just dying may still appear.
        await UntilAsync(() => Task.FromResult(TryDelete()), TimeSpan.FromSeconds(60), () => $"{Folder} deleted");
    }

    private bool TryDelete()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
