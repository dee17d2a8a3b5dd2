using Tidemark.LocalHost.Cli;

namespace Tidemark.LocalHost.Tests.Cli;

/// <summary>A --data that is none ends every command with one sentence that says why, and exit code 2.</summary>
public sealed class DataOptionTests
{
    private static readonly string[] Reading = ["status", "show silver/late", "history silver/late", "export silver/late out", "maintain", "vacuum"];

    public static TheoryData<string> Commands => [.. Reading, ""];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_file_is_no_data_directory(string command)
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder["file"], "");
        await RefusedAsync(command, folder["file"], "is a file");
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Neither_is_what_lies_below_a_file(string command)
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder["file"], "");
        await RefusedAsync(command, Path.Combine(folder["file"], "data"), command == "" ? "cannot be used" : "no such folder");
    }

    [Fact]
    public async Task Commands_that_read_make_no_folder()
    {
        using var folder = new TestFolder();
        foreach (var command in Reading)
        {
            await RefusedAsync(command, folder["new"], "no such folder");
            Assert.False(Directory.Exists(folder["new"]));
        }
    }

    private static async Task RefusedAsync(string command, string data, string why)
    {
        using StringWriter output = new(), errors = new();
        var code = await CommandLine.RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--data", data], output, errors);
        Assert.Equal(ExitCodes.BadSetting, code);
        Assert.Empty(output.ToString());
        var line = Assert.Single(errors.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"--data {data}", line);
        Assert.Contains(why, line);
    }
}
