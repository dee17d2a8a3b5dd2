using System.IO.Compression;
using Tidemark.LocalHost.Demo;

namespace Tidemark.LocalHost.Tests.Demo;

public sealed class GenerateCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tidemark-generate").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_compressed_file_holds_the_same_lines()
    {
        var (plain, packed) = (Path.Combine(_folder, "a.ndjson"), Path.Combine(_folder, "a.ndjson.gz"));
        Assert.Equal(0, await Run("--seed", "3", "--events", "500", "--broken", "0.1", "--shuffle", "20", plain));
        Assert.Equal(0, await Run("--seed", "3", "--events", "500", "--broken", "0.1", "--shuffle", "20", packed));
        await using var unpacked = new GZipStream(File.OpenRead(packed), CompressionMode.Decompress);
        using var reader = new StreamReader(unpacked);
        Assert.Equal(await File.ReadAllTextAsync(plain), await reader.ReadToEndAsync());
        Assert.Equal(500, File.ReadLines(plain).Count());
    }

    [Theory]
    [InlineData("--rate", "0")]
    [InlineData("--events", "0")]
    [InlineData("--late", "2")]
    [InlineData("--start", "yesterday")]
    [InlineData("--shuffle", "-1")]
    public async Task A_wrong_setting_ends_with_code_2(string option, string value) =>
        Assert.Equal(2, await Run(option, value, Path.Combine(_folder, "x.ndjson")));

    private static Task<int> Run(params string[] arguments) => GenerateCommand.Create().Parse(arguments).InvokeAsync();
}
