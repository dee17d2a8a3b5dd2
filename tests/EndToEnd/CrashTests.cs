using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>The host is killed with SIGKILL, its storage is frozen and restarted: the tables are those of a run that nothing happened to.</summary>
public class CrashTests
{
    private const int Kills = 5;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Five_kills_at_random_moments_lose_and_double_nothing()
    {
        const int Seed = 41;
        var random = new Random(Seed);
        await using var station = new Station();
        var options = ShopFile.Troubled with { Seed = Seed, OutOfOrderShare = 1, DuplicateShare = 0.01, BrokenShare = 0.01 };
        var input = ShopFile.Write(station, "shop.ndjson", options, 120_000, 20);
        var moments = new List<string>();
        station.MoveQuickly();
        for (var kill = 1; kill <= Kills; kill++)
        {
            // At this rate the input lasts longer than all the runs that are cut short.
            var run = station.Start("--input", input, "--once", "--rate", "10000");
            // One kill falls into the start, the others into the work.
            if (kill != 2)
                await run.AnswersAsync(station.Port, Limit);
            var wait = TimeSpan.FromMilliseconds(random.Next(kill == 2 ? 1_500 : 2_500));
            await Task.Delay(wait);
            moments.Add($"{(kill == 2 ? "start" : "work")} + {wait.TotalMilliseconds} ms");
            Assert.False(run.HasEnded, $"It ended by itself, seed {Seed}, kills at {string.Join(", ", moments)}.\n{run.Transcript()}");
            run.Send(Signals.Kill);
            await run.EndAsync(Limit);
        }
        await station.FinishAsync("--input", input);
        await station.ExportAsync();
        try
        {
            var verdict = await Oracle.CheckAsync(station, input);
            Assert.Empty(verdict.GetProperty("late").EnumerateObject());
            Oracle.ComparedEveryStream(verdict);
        }
        catch (Xunit.Sdk.XunitException e)
        {
            throw new Xunit.Sdk.XunitException($"Seed {Seed}, kills at {string.Join(", ", moments)}.\n{e.Message}");
        }
    }

    [Fact]
    public async Task Storage_that_freezes_and_storage_that_restarts_are_survived_without_a_restart()
    {
        await using var station = new Station();
        await using var azurite = new OwnAzurite(station);
        await azurite.StartAsync();
        station.Set(Station.Storage, azurite.ConnectionString);
        station.MoveQuickly();
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 51, OutOfOrderShare = 1 }, 120_000, 20);
        var run = station.Start("--input", input, "--once", "--rate", "8000");
        Assert.True(await run.AnswersAsync(station.Port, Limit), run.Transcript());

        azurite.Freeze();
        await Task.Delay(TimeSpan.FromSeconds(8));
        azurite.Thaw();
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.False(run.HasEnded, $"It ended before its storage went away.\n{run.Transcript()}");
        await azurite.StopAsync();
        await Task.Delay(TimeSpan.FromSeconds(4));
        await azurite.StartAsync();

        Assert.True(await run.EndAsync(Limit) == 0, run.Transcript());
        await station.ExportAsync();
        await Oracle.CheckAsync(station, input);
    }
}
