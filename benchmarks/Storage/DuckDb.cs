using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Storage;

/// <summary>DuckDB on one thread, over the node package that the tests install.</summary>
internal sealed class DuckDb : IDisposable
{
    private const string Script = """
        import readline from 'node:readline';
        import { DuckDBInstance } from '@duckdb/node-api';
        const connection = await (await DuckDBInstance.create(':memory:')).connect();
        await connection.run('SET threads=1');
        for await (const line of readline.createInterface({ input: process.stdin })) {
          const start = process.hrtime.bigint(), cpu = process.cpuUsage();
          let answer = {};
          try { await (await connection.run(JSON.parse(line))).fetchAllChunks(); } catch (e) { answer.error = String(e); }
          const used = process.cpuUsage(cpu);
          answer.seconds = Number(process.hrtime.bigint() - start) / 1e9;
          answer.processor = (used.user + used.system) / 1e6;
          console.log(JSON.stringify(answer));
        }
        """;

    private readonly Process _node;

    public DuckDb(string readers)
    {
        _node = Process.Start(new ProcessStartInfo("node") { WorkingDirectory = readers, RedirectStandardInput = true, RedirectStandardOutput = true, ArgumentList = { "--input-type=module", "-e", Script } })!;
    }

    /// <summary>Runs a statement.</summary>
    public Cost Run(string sql)
    {
        _node.StandardInput.WriteLine(JsonSerializer.Serialize(sql));
        var answer = JsonNode.Parse(_node.StandardOutput.ReadLine() ?? throw new InvalidOperationException("DuckDB's process ended."))!;
        return answer["error"] is { } error ? throw new InvalidOperationException(error.ToString()) : new Cost((double)answer["seconds"]!, (double)answer["processor"]!);
    }

    public void Dispose()
    {
        _node.StandardInput.Close();
        if (!_node.WaitForExit(5000)) _node.Kill();
        _node.Dispose();
    }
}
