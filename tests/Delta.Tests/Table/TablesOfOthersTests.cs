using System.Text.Json.Nodes;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

/// <summary>Tables that Spark, delta-rs and the kernels wrote, with the rows their authors expect (../shared/delta-tables).</summary>
[Collection(ForeignReadersCollection.Name)]
public sealed class TablesOfOthersTests(ForeignReaders readers)
{
    private static readonly string? Shared = Repository.Shared("delta-tables");

    // The timestamp partition value was written without a zone in the zone of its author, who was not in UTC.
    private static readonly string[] ZoneAmbiguous = ["golden/data-reader-partition-values"];

    private static readonly Dictionary<string, string> MustFail = new()
    {
        ["golden/versions-not-contiguous"] = "commit 1 is missing",
        ["golden/deltalog-invalid-protocol-version"] = "reader version 99",
        ["golden/deltalog-state-reconstruction-from-checkpoint-missing-metadata"] = "no metaData",
        ["golden/deltalog-state-reconstruction-from-checkpoint-missing-protocol"] = "no protocol",
        ["golden/deltalog-state-reconstruction-without-metadata"] = "no metaData",
        ["golden/deltalog-state-reconstruction-without-protocol"] = "no protocol",
        ["golden/data-reader-timestamp_ntz"] = "timestampNtz",
        ["golden/data-skipping-basic-stats-all-types-columnmapping-id"] = "column mapping",
        ["golden/table-with-columnmapping-mode-name"] = "column mapping",
        ["golden/dv-partitioned-with-checkpoint"] = "deletion vector",
        ["golden/v2-checkpoint-json"] = "v2Checkpoint",
        ["kernel-rs/void-column"] = "'void'",
        ["delta-rs/table-with-dv-small"] = "deletion vector",
        ["golden/update-deleted-directory"] = "no metaData",
        ["delta-rs/simple_table_features"] = "reader version 5",
        ["golden/data-reader-absolute-paths-escaped-chars"] = "no metaData",
        ["golden/data-reader-timestamp_ntz-id-mode"] = "timestampNtz",
        ["golden/data-reader-timestamp_ntz-name-mode"] = "timestampNtz",
        ["golden/data-skipping-basic-stats-all-types-columnmapping-name"] = "column mapping",
        ["golden/dv-with-columnmapping"] = "deletion vector",
        ["golden/log-replay-dv-key-cases"] = "deletion vector",
        ["golden/parquet-all-types"] = "timestampNtz",
        ["golden/parquet-all-types-legacy-format"] = "timestampNtz",
        ["golden/table-with-columnmapping-mode-id"] = "column mapping",
        ["golden/v2-checkpoint-parquet"] = "v2Checkpoint",
        ["kernel-rs/with-short-dv"] = "deletion vector",
        ["kernel-rs/stats-writing-all-types"] = "timestampNtz",
        ["kernel-rs/compacted-log-files-table"] = "deletion vector",
        ["delta-rs/table_with_deletion_logs"] = "deletion vector",
        ["delta-rs/table_with_column_mapping"] = "column mapping",
        ["delta-rs/checkpoint-v2-table"] = "v2Checkpoint",
        ["golden/canonicalized-paths-normal-a"] = "absolute path",
        ["golden/canonicalized-paths-normal-b"] = "absolute path",
        ["golden/canonicalized-paths-special-a"] = "absolute path",
        ["golden/canonicalized-paths-special-b"] = "absolute path",
        ["golden/deltalog-commit-info"] = "not a Delta schema",
    };

    public static TheoryData<string> Names()
    {
        var names = new TheoryData<string>();
        foreach (var entry in JsonNode.Parse(File.ReadAllText(Path.Combine(Shared!, "index.json")))!.AsArray())
        {
            var name = entry!["name"]!.GetValue<string>();
            if (entry["rows"] is not null && entry["mustFailOrUnsupported"] is null && !MustFail.ContainsKey(name) && !NeedsMore(entry)) names.Add(name);
        }

        return names;
    }

    private static bool NeedsMore(JsonNode entry)
    {
        var features = entry["readerFeatures"]?.ToString() ?? "";
        return features.Contains("v2Checkpoint", StringComparison.Ordinal) || features.Contains("timestampNtz", StringComparison.Ordinal)
            || entry["columnMapping"] is not null || entry["deletionVectors"]?.ToString() is not (null or "0" or "false");
    }

    public static TheoryData<string, int> Replayed() => new()
    {
        { "golden/checkpoint", 1 },
        { "golden/delete-re-add-same-file-different-transactions", 2 },
        { "golden/log-replay-special-characters-b", 1 },
        { "kernel-rs/with_checkpoint_no_last_checkpoint", 1 },
        { "kernel-rs/app-txn-with-last-updated", 4 },
    };

    [TablesOfOthersTheory]
    [MemberData(nameof(Replayed))]
    public async Task The_log_of_a_table_whose_files_are_not_at_hand_replays_to_its_live_files(string name, int files)
    {
        var table = DeltaTable.Open(new LocalObjectStore(Path.Combine(Shared!, name)), "delta");
        Assert.Equal(files, (await table.SnapshotAsync()).Files.Count);
    }

    [TablesOfOthersTheory]
    [MemberData(nameof(Names))]
    public async Task A_table_of_others_reads_as_its_authors_expect(string name)
    {
        var table = DeltaTable.Open(new LocalObjectStore(Path.Combine(Shared!, name)), "delta");
        var expected = Path.Combine(Shared!, name, "expected");
        var versions = Directory.Exists(expected)
            ? Directory.GetDirectories(expected).Select(Path.GetFileName).Where(d => d!.StartsWith('v') || d == "latest").ToList()
            : [];
        if (versions.Count == 0) versions.Add(null);
        foreach (var version in versions)
        {
            var snapshot = await table.SnapshotAsync(version is null or "latest" ? null : long.Parse(version[1..]));
            var read = new List<string>();
            await foreach (var batch in table.ReadAsync(snapshot)) read.AddRange(Canon.Rows(batch));
            var folder = version is null ? expected : Path.Combine(expected, version);
            var files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.parquet", SearchOption.AllDirectories) : [];
            var rows = new List<string>();
            foreach (var file in files) rows.AddRange(await readers.FileRowsAsync("duckdb", file, snapshot.Schema));
            if (files.Length == 0) rows = (await readers.TableAsync("duckdb", Path.Combine(Shared!, name, "delta"), snapshot.Version)).Rows;
            if (ZoneAmbiguous.Contains(name))
            {
                Assert.Equal(rows.Count, read.Count);
                continue;
            }

            Canon.AssertSame(rows, read, $"{name} {version}", ordered: false);
        }
    }

    [TablesOfOthersFact]
    public void Every_table_is_read_or_refused_or_replayed_by_one_of_these_tests()
    {
        var covered = new IEnumerable<object[]>[] { Names(), Failing(), Replayed() }.SelectMany(tests => tests).Select(arguments => (string)arguments[0]);
        var all = JsonNode.Parse(File.ReadAllText(Path.Combine(Shared!, "index.json")))!.AsArray().Select(e => e!["name"]!.GetValue<string>());
        Assert.Equal(all.Order(StringComparer.Ordinal), covered.Order(StringComparer.Ordinal));
    }

    public static TheoryData<string, string> Failing()
    {
        var cases = new TheoryData<string, string>();
        foreach (var (name, message) in MustFail) cases.Add(name, message);
        return cases;
    }

    [TablesOfOthersTheory]
    [MemberData(nameof(Failing))]
    public async Task A_table_that_cannot_be_read_is_refused_by_name(string name, string message)
    {
        var table = DeltaTable.Open(new LocalObjectStore(Path.Combine(Shared!, name)), "delta");
        var error = await Assert.ThrowsAnyAsync<DeltaException>(async () =>
        {
            await foreach (var _ in table.ReadAsync(await table.SnapshotAsync())) { }
        });
        Assert.Contains(message, error.Message);
    }
}

/// <summary>Skipped, with the reason, where the tables are not beside the repository.</summary>
public sealed class TablesOfOthersTheoryAttribute : TheoryAttribute
{
    public TablesOfOthersTheoryAttribute()
    {
        if (Repository.Shared("delta-tables") is null) Skip = "../shared/delta-tables is absent; only tables that this repository makes are read.";
    }
}

/// <inheritdoc cref="TablesOfOthersTheoryAttribute"/>
public sealed class TablesOfOthersFactAttribute : FactAttribute
{
    public TablesOfOthersFactAttribute() => Skip = new TablesOfOthersTheoryAttribute().Skip;
}
