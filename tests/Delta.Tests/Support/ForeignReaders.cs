using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Delta.Tests.Support;

/// <summary>The readers that are not ours: one node process for the whole run, spoken to line by line.</summary>
public sealed class ForeignReaders : IDisposable
{
    /// <summary>DuckDB, hyparquet, parquet-wasm (the Rust implementation) and parquetjs.</summary>
    public static readonly string[] Names = ["duckdb", "hyparquet", "wasm", "parquetjs"];

    private readonly Process _node;
    private readonly SemaphoreSlim _turn = new(1, 1);

    public ForeignReaders()
    {
        var folder = Path.Combine(Repository.Root, "tests", "Delta.Tests", "readers");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "hyparquet")))
            throw new InvalidOperationException("The foreign Parquet readers are not installed; run: npm ci --prefix tests/Delta.Tests/readers");
        _node = Process.Start(new ProcessStartInfo("node", "serve.mjs")
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
    }

    public async Task<JsonNode> AskAsync(object request)
    {
        await _turn.WaitAsync();
        try
        {
            await _node.StandardInput.WriteLineAsync(JsonSerializer.Serialize(request));
            await _node.StandardInput.FlushAsync();
            var line = await _node.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The reader process ended.");
            var answer = JsonNode.Parse(line)!;
            return answer["error"] is { } error ? throw new ForeignReaderException(error.GetValue<string>()) : answer;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async Task<List<string>> FileRowsAsync(string reader, string file, TableSchema schema) =>
        Rows(await AskAsync(new { op = "file", reader, file, schema = JsonNode.Parse(Tidemark.Delta.Log.SchemaJson.Write(schema)) }));

    public async Task<(List<string> Rows, JsonNode Answer)> TableAsync(string reader, string root, long? version = null)
    {
        var answer = await AskAsync(new { op = "table", reader, root, version });
        return (Rows(answer), answer);
    }

    private static List<string> Rows(JsonNode answer) => [.. answer["rows"]!.AsArray().Select(r => r!.ToJsonString(Canon.Json))];

    public void Dispose()
    {
        _node.StandardInput.Close();
        if (!_node.WaitForExit(5000)) _node.Kill();
        _node.Dispose();
    }
}

public sealed class ForeignReaderException(string message) : Exception(message);

[CollectionDefinition(Name)]
public sealed class ForeignReadersCollection : ICollectionFixture<ForeignReaders>
{
    public const string Name = "foreign readers";
}

public static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>A folder beside the repository with material of others; null where it is absent.</summary>
    public static string? Shared(string name)
    {
        for (var folder = new DirectoryInfo(Root).Parent; folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", name);
            if (Directory.Exists(path)) return path;
        }

        return null;
    }

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Functions.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("Functions.sln is in none of the folders above the tests.");
    }
}

/// <summary>A folder of a test's own, gone when the test is.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tidemark-delta-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
