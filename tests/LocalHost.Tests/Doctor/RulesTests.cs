using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Tidemark.Domain.Lateness;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Status;
using Tidemark.LocalHost.Doctor;

namespace Tidemark.LocalHost.Tests.Doctor;

/// <summary>Rules about storage, tables, ticks, settings and delays: a state as it should be, and each fault in it.</summary>
public sealed class RulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 9, 30, 0, TimeSpan.Zero);

    private static readonly StorageFacts Storage = new(null, null, null, null, TimeSpan.FromSeconds(-2));

    private static readonly StatusReport Status = new()
    {
        Pipeline = "v1/events.1", State = "running", UpdatedAt = Now.AddSeconds(-3), Frontier = Now.AddSeconds(-30), EventsIn = 10_000,
        Counts = new Dictionary<string, long> { ["late/category_views"] = 100, ["quarantined/missing_user_id"] = 300, ["quarantined/invalid_json"] = 200 },
    };

    private static readonly IReadOnlyList<TableFacts> Tables = [new("silver/events", 40, 3, null), new("gold/demand", 7, 2_000, null), new("gold/new", -1, 0, null)];

    [Fact]
    public void Storage_that_works_is_ok_and_each_refusal_a_failure()
    {
        Assert.All(StorageRules.Judge(Storage), f => Assert.Equal(Outcome.Ok, f.Outcome));
        foreach (var broken in (StorageFacts[])[Storage with { Blobs = "no" }, Storage with { BlobConditions = "no" }, Storage with { Tables = "no" }, Storage with { TableConditions = "no" }])
            Assert.Equal(Outcome.Failure, Worst(StorageRules.Judge(broken)));
        Assert.Equal(Outcome.Unknown, Worst(StorageRules.Judge(Storage with { Blobs = StorageRules.NotThereYet, Tables = StorageRules.NotThereYet })));
    }

    [Theory]
    [InlineData(10, "Ok")]
    [InlineData(-11, "Warning")]
    [InlineData(300, "Warning")]
    [InlineData(-301, "Failure")]
    [InlineData(null, "Unknown")]
    public void A_clock_that_is_off_is_told(int? seconds, string expected) =>
        Assert.Equal(expected, Worst(StorageRules.Judge(Storage with { ClockSkew = seconds is { } s ? TimeSpan.FromSeconds(s) : null })).ToString());

    [Theory]
    [InlineData(24, "Ok")]
    [InlineData(26, "Warning")]
    public void Maintenance_is_wanted_once_a_day(int hoursAgo, string expected) =>
        Assert.Equal(expected, Worst(LakeRules.Judge(Tables, [new("silver/events", Now.AddHours(-hoursAgo), 40, 3, 3, 900), new("gold/demand", Now.AddHours(-50), 1, 1, 1, 1)], Now)).ToString());

    [Fact]
    public void Tables_that_cannot_be_read_are_never_maintained_or_are_crowded_are_told()
    {
        Assert.Equal(Outcome.Unknown, Worst(LakeRules.Judge(Tables, [], Now)));
        Assert.Equal(Outcome.Warning, Worst(LakeRules.Judge([Tables[0] with { Version = 1_000 }], [], Now)));
        Assert.Equal(Outcome.Warning, Assert.Single(LakeRules.Judge([Tables[1] with { SmallFiles = 2_001 }], [], Now), f => f.Check == "small files").Outcome);
        var broken = LakeRules.Judge([Tables[0] with { Failure = "a file is missing" }, Tables[1]], [], Now).First();
        Assert.Equal(Outcome.Failure, broken.Outcome);
        Assert.Contains("silver/events: a file is missing", broken.Text);
    }

    [Fact]
    public void Data_of_which_nothing_was_ever_read_should_be_looked_at()
    {
        Assert.Equal(Outcome.Warning, RunRules.Records([]).Outcome);
        Assert.Equal("Records were read of events, sensors.", RunRules.Records(["events", "sensors"]).Text);
    }

    [Fact]
    public void A_run_that_is_well_has_no_finding_but_ok() => Assert.All(RunRules.Judge(Status, true, 5, Now), f => Assert.Equal(Outcome.Ok, f.Outcome));

    [Fact]
    public void Each_trouble_of_a_run_is_told()
    {
        Assert.Equal(Outcome.Unknown, Worst(RunRules.Judge(null, true, 5, Now)));
        Assert.Equal(Outcome.Failure, Of("ticks", Status with { UpdatedAt = Now.AddMinutes(-3) }));
        Assert.Equal(Outcome.Failure, Of("ticks", Status with { LastError = new StatusError(Now, "Tick", "no storage") }));
        Assert.Equal(Outcome.Warning, Of("back-pressure", Status with { Hold = true }));
        Assert.Equal(Outcome.Failure, Of("gaps", Status with { Gaps = [new Gap(0, 5, 9, Now.ToUnixTimeMilliseconds())] }));
        Assert.Equal(Outcome.Warning, Of("late events", Status with { Counts = new Dictionary<string, long> { ["late/a"] = 7, ["late/b"] = 101 } }));
        Assert.Equal(Outcome.Warning, Of("quarantine", Status with { Counts = new Dictionary<string, long> { ["quarantined/a"] = 500, ["quarantined/b"] = 1 } }));
        Assert.Equal(Outcome.Warning, Of("watermark", Status with { Frontier = null }));
    }

    [Fact]
    public void A_folder_on_which_nothing_runs_is_no_failure() =>
        Assert.Equal(Outcome.Unknown, Worst(RunRules.Judge(Status with { UpdatedAt = Now.AddDays(-9), LastError = new StatusError(Now, "Tick", "ended") }, false, 5, Now)));

    [Theory]
    [InlineData("gap", true, "Failure")]
    [InlineData("lag", true, "Warning")]
    [InlineData("gap", false, "Ok")]
    public void Alerts_count_by_their_severity_while_they_are_active(string name, bool active, string expected) =>
        Assert.Equal(expected, Of("alerts", Status with { Alerts = [new AlertStatus(name, "topic", "Something.", Now, Now, active)] }).ToString());

    [Fact]
    public void Settings_that_ship_are_not_risky() =>
        Assert.All(SettingRules.Judge(Settings()), f => Assert.Equal(f.Check == "alarms" ? Outcome.Unknown : Outcome.Ok, f.Outcome));

    [Fact]
    public void Each_risky_setting_is_told()
    {
        Assert.Equal(Outcome.Failure, Worst(SettingRules.Judge(Settings() with { CommitOnFailure = true })));
        SettingFacts[] risky =
        [
            Settings() with { MaxRetries = 5 }, Settings() with { HasTelemetry = false }, Settings() with { TickEvery = TimeSpan.FromSeconds(31) }, Settings() with { MaintainEvery = TimeSpan.FromDays(7) },
            Settings("DeltaInterval", "5s"), Settings("CheckpointInterval", "1s"), Settings("LeaseDuration", "5s") with { TickEvery = TimeSpan.FromSeconds(10) }, Settings("IdleTimeout", "3s"),
            Settings("StartFrom", "latest"), Settings("DeduplicateWithin", "0s"), Settings("KafkaProtocol", "Plaintext"), Settings("BrokerList", "shop.servicebus.windows.net:9093") with { SessionTimeoutMs = 10_000 },
        ];
        foreach (var facts in risky)
            Assert.True(Worst(SettingRules.Judge(facts)) == Outcome.Warning, $"{facts} is not told.");
        Assert.Equal(Outcome.Unknown, Worst(SettingRules.Judge(Settings("KafkaProtocol", "Plaintext") with { IsLocal = true, HasTelemetry = false })));
    }

    [Fact]
    public void A_delay_that_misses_too_many_is_told_with_what_to_set()
    {
        var late = Enumerable.Range(0, 2_000).Select(i => new Arrival(0, i, (i * 1000L) - (i % 20 == 0 ? 600_000 : 0)));
        var measured = LatenessProfile.Of(late);
        var advice = DelayAdvice.For(new LateOutput("hasty", TimeSpan.FromSeconds(30), _ => 1), measured);
        var finding = LatenessRules.Judge(measured, [DelayAdvice.For(new LateOutput("patient", TimeSpan.FromHours(1), _ => 1), measured), advice]);
        Assert.Equal(Outcome.Warning, finding.Outcome);
        Assert.Contains("hasty", finding.Text);
        Assert.Contains("12 min", finding.Remedy);
        Assert.Equal(Outcome.Unknown, LatenessRules.Judge(LatenessProfile.Of(late.Take(1_000)), [advice]).Outcome);
        Assert.Equal(Outcome.Ok, LatenessRules.Judge(measured, [advice with { Delay = TimeSpan.FromMinutes(20) }]).Outcome);
        Assert.Equal(Outcome.Warning, LatenessRules.Judge(measured, [advice with { Delay = TimeSpan.Zero, LateNow = 0 }]).Outcome);
    }

    [Fact]
    public void Sections_of_the_runbook_that_remedies_name_are_there()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Functions.sln")))
            root = root.Parent;
        var runbook = File.ReadAllText(Path.Combine(root.FullName, "docs", "runbook.md"));
        var named = Directory.EnumerateFiles(Path.Combine(root.FullName, "src", "LocalHost", "Doctor"), "*Rules.cs")
            .SelectMany(file => Regex.Matches(File.ReadAllText(file), "[Ss]ee ([a-z-]+) in docs/runbook.md")).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.True(named.Count >= 3);
        Assert.All(named, section => Assert.Contains($"\n## {section}\n", runbook));
    }

    private static Outcome Of(string check, StatusReport status)
    {
        var finding = Assert.Single(RunRules.Judge(status, true, 5, Now), f => f.Check == check);
        Assert.True(finding.Outcome == Outcome.Ok || finding.Remedy is { Length: > 0 });
        return finding.Outcome;
    }

    private static Outcome Worst(IEnumerable<Finding> findings) => findings.Max(f => f.Outcome);

    private static SettingFacts Settings(string? name = null, string value = "")
    {
        var all = new Dictionary<string, string?>
        {
            ["BrokerList"] = "kafka:9092", ["KafkaTopic"] = "events", ["KafkaGroup"] = "tidemark", ["TickSchedule"] = "*/2 * * * * *", ["MaintainSchedule"] = "0 0 * * * *",
            ["KafkaProtocol"] = "Ssl", ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true",
        };
        if (name is not null)
            all[name] = value;
        var options = TidemarkOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(all).Build());
        return new SettingFacts(options, TimeSpan.FromSeconds(2), TimeSpan.FromHours(1), false, -1, 45_000, true, false);
    }
}
