using System.Net.Sockets;

namespace Tidemark.LocalHost.Cli;

/// <summary>
/// Work on an emulated storage that a run keeps busy. Azurite answers one request at a time, and beside a run that reads at full speed none of
/// another program's may come through for minutes, while the storage client tries again and again without a word. A question of our own, which
/// needs no answer but any, tells whether it is alive: the user is told when it has been silent for a while, and in the end the work is given up.
/// </summary>
/// <param name="ports">Ports on the loopback address that are asked.</param>
/// <param name="time">Clock of the limits.</param>
/// <param name="errors">Where the user is told.</param>
internal sealed class StorageWatch(IReadOnlyList<int> ports, TimeProvider time, TextWriter errors)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>After this silence the user is told.</summary>
    public TimeSpan TellAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After this silence the work is cancelled.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <exception cref="StorageBusyException">The storage was silent for too long; the work has been cancelled.</exception>
    public async Task RunAsync(Func<CancellationToken, Task> work, CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var watching = WatchAsync(limited, done.Token);
        try
        {
            await work(limited.Token);
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new StorageBusyException(GiveUpAfter);
        }
        finally
        {
            await done.CancelAsync();
            await watching;
        }
    }

    private async Task WatchAsync(CancellationTokenSource work, CancellationToken done)
    {
        try
        {
            foreach (var port in Endless())
            {
                if (!await IsAliveAsync(port, done))
                {
                    await work.CancelAsync();
                    return;
                }

                await Task.Delay(Pause, time, done);
            }
        }
        catch (OperationCanceledException)
        {
            // The work is through.
        }
    }

    private IEnumerable<int> Endless()
    {
        while (true)
        {
            foreach (var port in ports)
                yield return port;
        }
    }

    /// <summary>Waits for any answer; false when none came in time.</summary>
    private async Task<bool> IsAliveAsync(int port, CancellationToken done)
    {
        var asking = AskAsync(port, done);
        if (await EndsWithinAsync(asking, TellAfter, done))
            return true;
        await errors.WriteLineAsync($"The storage has not answered for {TellAfter.TotalSeconds:0} s: the run on this folder keeps it busy. Waiting up to {GiveUpAfter.TotalSeconds:0} s for it.");
        return await EndsWithinAsync(asking, GiveUpAfter - TellAfter, done);
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan limit, CancellationToken done)
    {
        try
        {
            await task.WaitAsync(limit, time, done);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static async Task AskAsync(int port, CancellationToken done)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, done);
            await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray(), done);
            await client.GetStream().ReadExactlyAsync(new byte[1], done);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // It ended, which the work itself meets.
        }
    }
}

/// <summary>Emulated storage that a run keeps too busy for anybody else.</summary>
internal sealed class StorageBusyException(TimeSpan silence) : Exception(
    $"The storage of this folder has not answered for {silence.TotalSeconds:0} s, so the command was given up; the run keeps it busy. Try again when the run has caught up or has ended; nothing was harmed.");
