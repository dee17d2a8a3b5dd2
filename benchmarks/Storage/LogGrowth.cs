using System.Diagnostics;
using Tidemark.Delta;

namespace Tidemark.Storage;

/// <summary>Whether a growing log slows a blind append, and what a checkpoint of many files takes.</summary>
internal static class LogGrowth
{
    public static async Task RunAsync()
    {
        var schema = new TableSchema(new TableField("id", DataType.Int64));
        var counting = new CountingObjectStore(new MemoryObjectStore());
        var table = DeltaTable.Open(counting, "t");
        var times = new List<double>();
        ObjectStoreCounts tenth = default, last = default;
        for (var i = 0; i < 10_000; i++)
        {
            var before = counting.Counts;
            var start = Stopwatch.GetTimestamp();
            await table.AppendAsync(new AppendRequest { Schema = schema, Files = [File(i)], Transactions = [new TxnMove("app", i == 0 ? null : i - 1, i)] });
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            if (i == 10) tenth = Difference(counting.Counts, before);
            if (i == 9_999) last = Difference(counting.Counts, before);
        }

        Console.WriteLine($"append: commits 100-200 {Median(times, 100, 200):F0} us, 9,900-10,000 {Median(times, 9_900, 10_000):F0} us; requests of the 10th {tenth.Requests}, of the 10,000th {last.Requests}; bytes {tenth.BytesWritten + tenth.BytesRead} and {last.BytesWritten + last.BytesRead}");
        await CheckpointAsync(schema);
    }

    // Each checkpoint is written by a process of its own that has done nothing before, so that what is measured is the checkpoint's.
    private static async Task CheckpointAsync(TableSchema schema)
    {
        var folder = Directory.CreateTempSubdirectory("tidemark-checkpoint-");
        try
        {
            var table = DeltaTable.Open(new LocalObjectStore(folder.FullName), "t");
            for (var i = 0; i < 10; i++) await table.AppendAsync(new AppendRequest { Schema = schema, Files = [.. Enumerable.Range(i * 10_000, 10_000).Select(File)] });
            Alone("from the log alone", folder.FullName);
            await table.AppendAsync(new AppendRequest { Schema = schema, Files = [File(1_000_000)] });
            Alone("upon the one before", folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Alone(string what, string folder)
    {
        using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!) { ArgumentList = { typeof(LogGrowth).Assembly.Location, Command, folder, what } })!;
        child.WaitForExit();
        if (child.ExitCode != 0) throw new InvalidOperationException($"The process that wrote the checkpoint ended with {child.ExitCode}.");
    }

    /// <summary>The argument that makes this program write one checkpoint and say what it took.</summary>
    public const string Command = "checkpoint";

    /// <summary>Writes the checkpoint of the table in a folder; the kernel keeps the peak of the process, native memory and garbage included.</summary>
    public static async Task CheckpointAsync(string folder, string what)
    {
        var table = DeltaTable.Open(new LocalObjectStore(folder), "t");
        var start = Process.GetCurrentProcess().WorkingSet64;
        var began = Stopwatch.GetTimestamp();
        await table.CheckpointAsync();
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var peak = Process.GetCurrentProcess().PeakWorkingSet64;
        var live = GC.GetTotalMemory(true);
        Console.WriteLine($"checkpoint of 100,000 files, {what}: {seconds:F2} s, process at most {peak / 1e6:F0} MB, {(peak - start) / 1e6:F0} MB above its start; allocated {GC.GetTotalAllocatedBytes() / 1e6:F0} MB, {GC.CollectionCount(0)}/{GC.CollectionCount(1)}/{GC.CollectionCount(2)} collections, {live / 1e6:F0} MB managed afterwards");
    }

    // Statistics as long as those of the silver table's 18 columns.
    private static DataFile File(int i)
    {
        var bounds = string.Join(",", Enumerable.Range(0, 18).Select(c => $"\"column_{c}\":{i * 31L + c}"));
        return new DataFile($"part-00000-{new Guid(i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11):D}-c000.snappy.parquet", 1_000_000 + i, new Dictionary<string, string?>(),
            $"{{\"numRecords\":{i},\"minValues\":{{{bounds}}},\"maxValues\":{{{bounds}}},\"nullCount\":{{{bounds}}}}}", i, 1_700_000_000_000 + i);
    }

    private static double Median(List<double> times, int from, int to) => times.GetRange(from, to - from).Order().ElementAt((to - from) / 2);

    private static ObjectStoreCounts Difference(ObjectStoreCounts a, ObjectStoreCounts b) => new(a.Puts - b.Puts, a.Gets - b.Gets, a.Heads - b.Heads, a.Lists - b.Lists, a.Deletes - b.Deletes, a.BytesWritten - b.BytesWritten, a.BytesRead - b.BytesRead);
}
