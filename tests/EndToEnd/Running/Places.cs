using System.Net;
using System.Net.Sockets;

namespace Tidemark.EndToEnd.Running;

/// <summary>Where things are, and ports that are free.</summary>
internal static class Places
{
    /// <summary>The repository's root: the folder with Functions.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The built program, in the configuration that this test was built in.</summary>
    public static string Program { get; } = Path.Combine(
        Root, "src/LocalHost/bin", AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug", "net10.0/Tidemark.LocalHost");

    /// <summary>Real purchase events of a shop; not part of the repository.</summary>
    public static string Retail { get; } = Path.GetFullPath(Path.Combine(Root, "../shared/data/retail-events.ndjson.gz"));

    public static bool Answers(int port)
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

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Functions.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Functions.sln is not above the tests.");
        return folder;
    }
}
