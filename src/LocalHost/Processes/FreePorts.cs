using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Tidemark.LocalHost.Processes;

/// <summary>Ports for servers that are told theirs before they start.</summary>
internal static class FreePorts
{
    // Below what Linux, macOS and Windows give to outgoing connections: a port that is merely free at the moment may be one of those a moment later.
    private const int First = 15_000, End = 32_000;

    /// <summary>Different ports of the loopback address that nobody listens on.</summary>
    public static int[] Take(int count)
    {
        var listeners = new List<TcpListener>();
        try
        {
            while (listeners.Count < count)
            {
                var listener = new TcpListener(IPAddress.Loopback, RandomNumberGenerator.GetInt32(First, End));
                try
                {
                    listener.Start();
                    listeners.Add(listener);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
                {
                    listener.Dispose();
                }
            }

            return [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(l => l.Dispose());
        }
    }

    /// <summary>One port.</summary>
    public static int Take() => Take(1)[0];
}
