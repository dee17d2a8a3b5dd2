using System.Diagnostics;
using System.Globalization;
using Tidemark.Delta;
using Tidemark.Delta.Parquet;
using Tidemark.Storage;

// Writes and reads the silver events table and sets it against DuckDB with the same rows in the same run, each on one thread.
// Arguments: rows (default 1000000), rounds (default 5); --columns, --log.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is [LogGrowth.Command, var table, var what])
{
    await LogGrowth.CheckpointAsync(table, what);
    return;
}

var numbers = args.Where(a => !a.StartsWith("--", StringComparison.Ordinal)).Select(int.Parse).ToArray();
var rows = numbers.Length > 0 ? numbers[0] : 1_000_000;
var rounds = numbers.Length > 1 ? numbers[1] : 5;
var root = new DirectoryInfo(AppContext.BaseDirectory);
while (root is not null && !File.Exists(Path.Combine(root.FullName, "Functions.sln"))) root = root.Parent;
var readers = Path.Combine(root!.FullName, "tests", "Delta.Tests", "readers");
if (!Directory.Exists(Path.Combine(readers, "node_modules"))) throw new InvalidOperationException("DuckDB is not installed; run ./bench storage, or: npm ci --prefix tests/Delta.Tests/readers");
var folder = Directory.CreateTempSubdirectory("tidemark-storage-");
try
{
    using var duckdb = new DuckDb(readers);
    var plain = SilverEvents.Make(rows, 42, coded: false);
    var coded = SilverEvents.Make(rows, 42, coded: true);
    string ours = Path.Combine(folder.FullName, "ours.parquet"), theirs = Path.Combine(folder.FullName, "duckdb.parquet");
    Write(coded, ours);
    duckdb.Run($"create table t as select * from read_parquet('{ours}')");
    Cost codedWrite = Cost.Worst, plainWrite = Cost.Worst, duckWrite = Cost.Worst, ownRead = Cost.Worst, ownReadTheirs = Cost.Worst, duckRead = Cost.Worst, duckReadOurs = Cost.Worst;
    var columns = string.Join(", ", SilverEvents.Schema.Fields.Select(f => $"count({f.Name})"));
    for (var round = 0; round < rounds; round++)
    {
        codedWrite = codedWrite.Best(Cost.Of(() => Write(coded, ours)));
        plainWrite = plainWrite.Best(Cost.Of(() => Write(plain, ours)));
        duckWrite = duckWrite.Best(duckdb.Run($"copy t to '{theirs}' (format parquet, compression snappy, row_group_size 1048576)"));
        ownRead = ownRead.Best(Cost.Of(() => Read(ours)));
        ownReadTheirs = ownReadTheirs.Best(Cost.Of(() => Read(theirs)));
        duckRead = duckRead.Best(duckdb.Run($"select {columns} from read_parquet('{theirs}')"));
        duckReadOurs = duckReadOurs.Best(duckdb.Run($"select {columns} from read_parquet('{ours}')"));
    }

    double ownSize = new FileInfo(ours).Length, duckSize = new FileInfo(theirs).Length;
    Console.WriteLine($"silver events, {rows:N0} rows, best of {rounds}, one thread each");
    Line("write, strings as codes", codedWrite, ownSize, duckWrite);
    Line("write, strings plain", plainWrite, ownSize, duckWrite);
    Line("write, DuckDB", duckWrite, duckSize, duckWrite);
    Line("read, own file", ownRead, ownSize, duckRead);
    Line("read, DuckDB's file", ownReadTheirs, duckSize, duckRead);
    Line("read, DuckDB own file", duckRead, duckSize, duckRead);
    Line("read, DuckDB our file", duckReadOurs, ownSize, duckRead);
    Console.WriteLine($"size: {ownSize / rows:F1} bytes per row, DuckDB {duckSize / rows:F1}: {ownSize / duckSize:F3}x");
    Small(SilverEvents.Make(500, 7, coded: true));
    if (args.Contains("--columns")) PerColumn(coded, ours);
    if (args.Contains("--log")) await LogGrowth.RunAsync();
}
finally
{
    folder.Delete(recursive: true);
}

void Line(string what, Cost cost, double bytes, Cost duck) =>
    Console.WriteLine($"{what,-26} {rows / cost.Seconds / 1e6,7:F2} M rows/s {bytes / cost.Seconds / 1e6,8:F1} MB/s  {duck.Seconds / cost.Seconds,5:F2}x DuckDB by the clock, {duck.Processor / cost.Processor,5:F2}x by processor time");

static double Time(Action act)
{
    var start = Stopwatch.GetTimestamp();
    act();
    return Stopwatch.GetElapsedTime(start).TotalSeconds;
}

static void Write(RecordBatch batch, string path)
{
    using var output = File.Create(path);
    using var writer = new ParquetWriter(output, batch.Schema, new ParquetWriterOptions());
    writer.Write(batch);
    writer.Finish();
}

static void Read(string path)
{
    var reader = ParquetReader.OpenAsync(new MemorySource(File.ReadAllBytes(path)), new ReadLimits(4L << 30), default).AsTask().Result;
    for (var group = 0; group < reader.Metadata.Groups.Count; group++) _ = reader.ReadGroupAsync(group, SilverEvents.Schema, default).AsTask().Result;
}

// Where the time goes.
static void PerColumn(RecordBatch batch, string path)
{
    var bytes = File.ReadAllBytes(path);
    foreach (var field in batch.Schema.Fields)
    {
        var one = batch.Select([field.Name]);
        double write = double.MaxValue, read = double.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            write = Math.Min(write, Time(() =>
            {
                using var writer = new ParquetWriter(Stream.Null, one.Schema, new ParquetWriterOptions());
                writer.Write(one);
                writer.Finish();
            }));
            read = Math.Min(read, Time(() =>
            {
                var reader = ParquetReader.OpenAsync(new MemorySource(bytes), new ReadLimits(4L << 30), default).AsTask().Result;
                _ = reader.ReadGroupAsync(0, one.Schema, default).AsTask().Result;
            }));
        }

        Console.WriteLine($"  {field.Name,-16} write {write * 1000,7:F1} ms, read {read * 1000,7:F1} ms");
    }
}

// What a batch of a quiet stream costs.
static void Small(RecordBatch batch)
{
    const int files = 400;
    long bytes = 0;
    void Run()
    {
        bytes = 0;
        for (var i = 0; i < files; i++)
        {
            using var output = new MemoryStream();
            using var writer = new ParquetWriter(output, batch.Schema, new ParquetWriterOptions());
            writer.Write(batch);
            writer.Finish();
            bytes += output.Length;
        }
    }

    Run();
    var before = GC.GetAllocatedBytesForCurrentThread();
    var seconds = Enumerable.Range(0, 5).Min(_ => Time(Run));
    var allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (5 * files);
    Console.WriteLine($"a file of {batch.RowCount} rows: {seconds / files * 1e6:F0} us, {bytes / files:N0} bytes, {allocated:N0} bytes allocated");
}
