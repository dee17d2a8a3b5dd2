using System.Text.Json;

namespace Tidemark.Functions.Tests.Hosting;

/// <summary>Settings of host.json that exactly-once rests on. The Functions host's own defaults would lose events.</summary>
public class HostSettingsTests
{
    [Fact]
    public void A_failed_batch_is_neither_committed_nor_given_up()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "host.json")));
        var kafka = host.RootElement.GetProperty("extensions").GetProperty("kafka");

        Assert.False(kafka.GetProperty("commitOnFailure").GetBoolean());
        Assert.Equal(-1, kafka.GetProperty("maxRetries").GetInt32());
    }

    [Fact]
    public void Names_in_percent_signs_have_a_value_in_the_sample_settings()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Functions.sln")))
            root = Path.GetDirectoryName(root)!;
        using var sample = JsonDocument.Parse(File.ReadAllText(Path.Combine(root, "local.settings.sample.json")));
        var values = sample.RootElement.GetProperty("Values");
        var named = System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(Path.Combine(root, "host.json")), "%(\\w+)%");

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.True(values.TryGetProperty(name.Groups[1].Value, out _), $"{name.Groups[1].Value} is missing."));
    }
}
