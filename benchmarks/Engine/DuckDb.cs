using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Bench.Engine;

/// <summary>DuckDB on one thread, over the node package that the tests of src/Delta install. Times are of the process's processor, as ours are.</summary>
internal sealed class DuckDb : IDisposable
{
    private const string Script = """
        import readline from 'node:readline';
        import { DuckDBInstance } from '@duckdb/node-api';
        const connection = await (await DuckDBInstance.create(':memory:')).connect();
        await connection.run('SET threads=1');
        await connection.run("SET TimeZone='UTC'");
        for await (const line of readline.createInterface({ input: process.stdin })) {
          const before = process.cpuUsage();
          const answer = {};
          try { await (await connection.run(JSON.parse(line))).fetchAllChunks(); } catch (e) { answer.error = String(e); }
          const used = process.cpuUsage(before);
          answer.seconds = (used.user + used.system) / 1e6;
          console.log(JSON.stringify(answer));
        }
        """;

    private readonly Process _node;

    private DuckDb(string readers) => _node = Process.Start(new ProcessStartInfo("node")
    {
        WorkingDirectory = readers, RedirectStandardInput = true, RedirectStandardOutput = true, ArgumentList = { "--input-type=module", "-e", Script },
    })!;

    /// <summary>Starts it, or null where it is not installed.</summary>
    public static DuckDb? TryStart()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
            folder = folder.Parent;
        var readers = folder is null ? "" : Path.Combine(folder.FullName, "tests", "Delta.Tests", "readers");
        return Directory.Exists(Path.Combine(readers, "node_modules", "@duckdb")) ? new DuckDb(readers) : null;
    }

    /// <summary>Runs a statement; returns its seconds.</summary>
    public double Run(string sql)
    {
        _node.StandardInput.WriteLine(JsonSerializer.Serialize(sql));
        var answer = JsonNode.Parse(_node.StandardOutput.ReadLine() ?? throw new InvalidOperationException("DuckDB's process ended."))!;
        return answer["error"] is { } error ? throw new InvalidOperationException(error.ToString()) : (double)answer["seconds"]!;
    }

    /// <summary>Seconds of the fastest of several runs within about so many seconds.</summary>
    public double Fastest(string sql, double seconds)
    {
        var best = double.MaxValue;
        var total = Stopwatch.StartNew();
        do
            best = Math.Min(best, Run(sql));
        while (total.Elapsed.TotalSeconds < seconds);
        return best;
    }

    public void Dispose()
    {
        _node.StandardInput.Close();
        if (!_node.WaitForExit(5000))
            _node.Kill();
        _node.Dispose();
    }
}
