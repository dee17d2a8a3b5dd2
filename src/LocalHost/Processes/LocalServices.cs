using System.Net;
using System.Net.Sockets;
using Tidemark.LocalHost.Emulator;

namespace Tidemark.LocalHost.Processes;

/// <summary>
/// Azurite and the Kafka emulator of a data directory: found again when they still run, started otherwise. They outlive a crash of the host, so that
/// what they hold in memory is there for the next start.
/// </summary>
internal sealed class LocalServices(DataDirectory data, ServicePrograms programs, TimeProvider time)
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(60);

    /// <summary>An emulator that was started here and has not said yet where it is.</summary>
    private ProcessIdentity? starting;

    /// <summary>The running emulator of this folder; null when there is none.</summary>
    public EmulatorInfo? FindKafka() => EmulatorInfo.Find(data.Path);

    /// <summary>Whether an emulator ran here and was killed, so that the records it held are gone.</summary>
    public bool HasLostKafka() => FindKafka() is null && File.Exists(data[EmulatorProcess.InfoFile]) && !EmulatorProcess.IsStarting(data.Path);

    /// <summary>Finds or starts the emulator.</summary>
    public async Task<EmulatorInfo> EnsureKafkaAsync(IReadOnlyList<TopicGroup> topics, int partitions, CancellationToken cancel)
    {
        if (FindKafka() is { } running)
            return running;
        if (!EmulatorProcess.IsStarting(data.Path))
        {
            File.Delete(data[EmulatorProcess.InfoFile]);
            starting = DetachedProcess.Start(
                [.. programs.Self, "kafka-emulator", "--data", data.Path, "--partitions", $"{partitions}", .. topics.SelectMany(t => new[] { "--topic", t.Topic, "--group", t.Group })], data["logs/kafka.log"]);
        }

        // Putting a long log back takes a while; as long as the process lives it is at work.
        await WaitAsync(() => FindKafka() is not null, () => starting?.IsAlive() ?? EmulatorProcess.IsStarting(data.Path), "The Kafka emulator", data["logs/kafka.log"], TimeSpan.FromMinutes(15), cancel);
        return FindKafka()!;
    }

    /// <summary>The running Azurite of this folder; null when there is none.</summary>
    public AzuriteInfo? FindAzurite() => AzuriteInfo.Find(data.Path);

    /// <summary>Finds or starts Azurite, and waits until it answers.</summary>
    public async Task<AzuriteInfo> EnsureAzuriteAsync(CancellationToken cancel)
    {
        var (info, ready) = await StartAzuriteAsync(cancel);
        await ready;
        return info;
    }

    /// <summary>Finds or starts Azurite: where it will be, and when it answers there.</summary>
    public async Task<(AzuriteInfo Info, Task Ready)> StartAzuriteAsync(CancellationToken cancel)
    {
        if (FindAzurite() is { } running)
            return (running, Task.CompletedTask);
        var location = data["azurite"];
        // One that was started when the host died before it could note it down; it holds the files.
        foreach (var orphan in ProcessSearch.WithArgument(location))
            await orphan.EndAsync(EndPatience, time);
        Directory.CreateDirectory(location);
        var ports = FreePorts.Take(3);
        var process = DetachedProcess.Start(
            [
                "node", "--require", programs.SaveSeldom, programs.Azurite, "--silent", "--loose", "--skipApiVersionCheck", "--disableTelemetry", "--location", location,
                "--blobHost", "127.0.0.1", "--blobPort", $"{ports[0]}", "--queueHost", "127.0.0.1", "--queuePort", $"{ports[1]}",
                "--tableHost", "127.0.0.1", "--tablePort", $"{ports[2]}",
            ],
            data["logs/azurite.log"]);
        var info = new AzuriteInfo(process, ports[0], ports[1], ports[2]);
        StateFile.Write(data[AzuriteInfo.FileName], info);
        return (info, WaitAsync(() => ports.All(Listens), process.IsAlive, "Azurite", data["logs/azurite.log"], StartPatience, cancel));
    }

    /// <summary>Ends what runs, Kafka before storage; both write what they hold to disk.</summary>
    public async Task EndAsync()
    {
        if (FindKafka() is { } kafka)
            await kafka.Process.EndAsync(EndPatience, time);
        else if (starting is { } half && half.IsAlive())
            await half.EndAsync(EndPatience, time);
        await EndAzuriteAsync();
    }

    /// <summary>Ends Azurite; it writes what it holds to disk first.</summary>
    public async Task EndAzuriteAsync()
    {
        if (FindAzurite() is { } azurite)
            await azurite.Process.EndAsync(EndPatience, time);
        File.Delete(data[AzuriteInfo.FileName]);
    }

    private async Task WaitAsync(Func<bool> ready, Func<bool> alive, string what, string log, TimeSpan patience, CancellationToken cancel)
    {
        var start = time.GetTimestamp();
        while (!ready())
        {
            if (!alive() && !ready())
                throw new InvalidOperationException($"{what} ended while it started; its last words are in {log}.");
            if (time.GetElapsedTime(start) > patience)
                throw new InvalidOperationException($"{what} was not ready after {patience.TotalSeconds:0} s; see {log}.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancel);
        }
    }

    private static bool Listens(int port)
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>A running Azurite.</summary>
internal sealed record AzuriteInfo(ProcessIdentity Process, int BlobPort, int QueuePort, int TablePort)
{
    public const string FileName = "azurite.json";

    // The account that every storage emulator has; its key is published in the documentation and no secret.
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// <summary>The one that runs on a data directory; null when there is none.</summary>
    public static AzuriteInfo? Find(string folder) =>
        StateFile.Read<AzuriteInfo>(Path.Combine(folder, FileName)) is { } info && info.Process.IsAlive() ? info : null;

    public string ConnectionString() =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{BlobPort}/{Account};"
        + $"QueueEndpoint=http://127.0.0.1:{QueuePort}/{Account};TableEndpoint=http://127.0.0.1:{TablePort}/{Account};";
}

/// <summary>Where the programs are.</summary>
/// <param name="Self">Command that runs this program again.</param>
/// <param name="Azurite">Path of Azurite's script.</param>
/// <param name="SaveSeldom">Path of what it loads first.</param>
internal sealed record ServicePrograms(IReadOnlyList<string> Self, string Azurite, string SaveSeldom)
{
    /// <exception cref="Settings.SettingException">Azurite is not installed.</exception>
    public static ServicePrograms Locate()
    {
        var assembly = typeof(ServicePrograms).Assembly.Location;
        // Under a test runner the process is not this program, but the assembly can always be run by dotnet.
        string[] self = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == Path.GetFileNameWithoutExtension(assembly)
            ? [path]
            : ["dotnet", "exec", assembly];
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var node = Path.Combine(folder.FullName, "eng", "node");
            var azurite = Path.Combine(node, "node_modules", "azurite", "dist", "src", "azurite.js");
            if (File.Exists(azurite))
                return new ServicePrograms(self, azurite, Path.Combine(node, "save-seldom.cjs"));
        }

        throw new Settings.SettingException("Azurite is not installed; run eng/setup.sh, or set AzureWebJobsStorage to a storage account.");
    }
}

/// <summary>Finds processes by what they were started with.</summary>
internal static class ProcessSearch
{
    /// <summary>Processes that have this very argument; none where the system does not tell.</summary>
    public static IEnumerable<ProcessIdentity> WithArgument(string argument)
    {
        if (!OperatingSystem.IsLinux())
            yield break;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && Arguments(folder).Contains(argument) && ProcessIdentity.Of(id) is { } process)
                yield return process;
        }
    }

    private static string[] Arguments(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // Ended meanwhile, or another user's.
        }
    }
}
