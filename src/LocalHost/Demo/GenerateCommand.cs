using System.CommandLine;
using System.Globalization;
using System.IO.Compression;

namespace Tidemark.LocalHost.Demo;

/// <summary>
/// <c>generate</c>: writes the demo's events to a file of JSON lines, for <c>--input</c> and for tests. Exit code 0, or 2 with one sentence
/// when a setting is wrong.
/// </summary>
public static class GenerateCommand
{
    /// <summary>The command, to be added to the root command.</summary>
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "Where to write; compressed when the name ends in .gz, standard output for -" };
        var seed = new Option<long>("--seed") { Description = "Seed; equal settings give equal files", DefaultValueFactory = _ => 1 };
        var events = new Option<long>("--events") { Description = "Lines to write", DefaultValueFactory = _ => 100_000 };
        var start = new Option<string>("--start") { Description = "First event time, ISO 8601, UTC", DefaultValueFactory = _ => "2025-03-03T08:00:00Z" };
        var rate = new Option<double>("--rate") { Description = "Mean events a second of event time", DefaultValueFactory = _ => 50 };
        var users = new Option<int>("--users") { Description = "Number of customers", DefaultValueFactory = _ => 5_000 };
        var late = new Option<double>("--late") { Description = "Share that arrives after all its windows closed (0-1)" };
        var duplicates = new Option<double>("--duplicates") { Description = "Share that arrives twice (0-1)" };
        var broken = new Option<double>("--broken") { Description = "Share that is broken (0-1)" };
        var shuffle = new Option<double>("--shuffle") { Description = "Disorder: every event is delayed by up to so many seconds" };
        var misuse = new Option<double>("--misuse") { Description = "Share of events at which an account is misused: bursts of purchases, huge ones, impossible journeys (0-1)" };
        var surge = new Option<double>("--surge") { Description = "Factor of the rate in the last two minutes of every hour, at least 1", DefaultValueFactory = _ => 1 };
        var command = new Command("generate", "Write simulated shop events to a file of JSON lines")
        {
            file, seed, events, start, rate, users, late, duplicates, broken, shuffle, misuse, surge,
        };
        command.SetAction((parsed, cancel) =>
        {
            var shuffled = parsed.GetValue(shuffle);
            var plan = new Plan(
                parsed.GetValue(file)!, parsed.GetValue(start)!, parsed.GetValue(rate), parsed.GetValue(events), shuffled,
                new DemoOptions
                {
                    Seed = parsed.GetValue(seed),
                    Users = parsed.GetValue(users),
                    LateShare = parsed.GetValue(late),
                    OutOfOrderShare = shuffled > 0 ? 1 : 0,
                    DuplicateShare = parsed.GetValue(duplicates),
                    BrokenShare = parsed.GetValue(broken),
                    BinaryBroken = false,
                    MisuseShare = parsed.GetValue(misuse),
                    Surge = parsed.GetValue(surge),
                });
            return Task.FromResult(Write(plan, Console.Error, cancel));
        });
        return command;
    }

    private sealed record Plan(string File, string Start, double Rate, long Events, double ShuffleSeconds, DemoOptions Options);

    private static int Write(Plan plan, TextWriter messages, CancellationToken cancel)
    {
        if (Fault(plan, out var start) is { } fault)
        {
            messages.WriteLine(fault);
            return 2;
        }
        var options = plan.ShuffleSeconds > 0 ? plan.Options with { DisorderBound = TimeSpan.FromSeconds(plan.ShuffleSeconds) } : plan.Options;
        try
        {
            using var output = Open(plan.File);
            var last = new ShopSimulation(options).WriteNdjson(output, start, plan.Rate, plan.Events, cancel);
            messages.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{plan.Events} lines, arriving from {start:u} to {last:u}, written to {plan.File}"));
            return 0;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            messages.WriteLine($"generate: {e.Message}");
            return 2;
        }
    }

    private static string? Fault(Plan plan, out DateTimeOffset start)
    {
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!DateTimeOffset.TryParse(plan.Start, CultureInfo.InvariantCulture, Utc, out start))
            return $"--start is '{plan.Start}', which is no time; write it like 2025-03-03T08:00:00Z.";
        if (plan.Events < 1)
            return $"--events is {plan.Events}; give the number of lines to write, at least 1.";
        if (!(plan.Rate > 0 && double.IsFinite(plan.Rate)))
            return $"--rate is {plan.Rate}; give a number of events a second above 0.";
        if (!(plan.ShuffleSeconds >= 0 && plan.ShuffleSeconds <= 4_500))
            return $"--shuffle is {plan.ShuffleSeconds}; give seconds between 0 and 4500.";
        return null;
    }

    private static Stream Open(string file)
    {
        if (file == "-")
            return new BufferedStream(Console.OpenStandardOutput(), 1 << 16);
        var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16);
        return file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
            ? new BufferedStream(new GZipStream(stream, CompressionLevel.Fastest), 1 << 16)
            : stream;
    }
}
