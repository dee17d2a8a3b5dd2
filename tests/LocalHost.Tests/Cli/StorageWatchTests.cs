using System.Net;
using System.Net.Sockets;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Tests.Timers;

namespace Tidemark.LocalHost.Tests.Cli;

/// <summary>Commands beside a run whose storage is too busy to answer.</summary>
public sealed class StorageWatchTests
{
    private readonly SteppedTime time = new(new DateTimeOffset(2026, 3, 1, 9, 30, 0, TimeSpan.Zero));
    private readonly StringWriter errors = new();

    [Fact]
    public async Task A_storage_that_takes_questions_and_answers_none_is_told_of_and_in_the_end_given_up()
    {
        using var silent = Listen();
        var ended = false;
        var working = Watch(silent).RunAsync(async cancel =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancel);
            }
            finally
            {
                ended = true;
            }
        }, CancellationToken.None);
        await Eventually.True(() => time.Waiting == 1, "the question was asked");
        time.Advance(TimeSpan.FromSeconds(10));
        await Eventually.True(() => errors.ToString().Contains("10 s", StringComparison.Ordinal), "the user was told");
        await Eventually.True(() => time.Waiting == 1, "it waits on");
        Assert.False(ended);
        time.Advance(TimeSpan.FromSeconds(110));
        var given = await Assert.ThrowsAsync<StorageBusyException>(() => working);
        Assert.Contains("120 s", given.Message);
        Assert.True(ended);
    }

    [Fact]
    public async Task A_storage_that_answers_lets_work_take_as_long_as_it_takes()
    {
        using var listener = Listen();
        var answered = 0;
        _ = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
                answered++;
            }
        });
        var through = new TaskCompletionSource();
        var watch = new StorageWatch([Port(listener)], time, errors) { TellAfter = TimeSpan.FromDays(1), GiveUpAfter = TimeSpan.FromDays(2) };
        var working = watch.RunAsync(_ => through.Task, CancellationToken.None);
        await Eventually.True(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return answered >= 20;
            },
            "it was asked again and again");

        through.SetResult();
        await working;
        Assert.Empty(errors.ToString());
    }

    private StorageWatch Watch(TcpListener listener) => new([Port(listener)], time, errors);

    private static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }
}
