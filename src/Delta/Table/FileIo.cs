using System.Runtime.CompilerServices;
using System.Text;
using Tidemark.Delta.Log;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta;

/// <summary>Writes and reads a table's data files.</summary>
internal sealed class FileIo(IObjectStore store, string root, DeltaTableOptions options)
{
    /// <summary>
    /// One file of all batches. Of the rows no more than a row group's worth is held at a time, and of the file what one batch adds to it and one part.
    /// </summary>
    public async ValueTask<DataFile> WriteAsync(TableSchema schema, IAsyncEnumerable<RecordBatch> batches, IReadOnlyDictionary<string, string?>? partition,
        string? path, IReadOnlyDictionary<string, string> configuration, CancellationToken ct)
    {
        var values = partition ?? new Dictionary<string, string?>();
        path ??= NewPath(values);
        await using var output = new ObjectUpload(store, root + path, options.UploadPartBytes);
        WrittenFile written;
        using (var writer = new ParquetWriter(output, schema, options.Parquet))
        {
            await foreach (var batch in batches.WithCancellation(ct).ConfigureAwait(false))
            {
                writer.Write(batch);
                await output.SendAsync(ct).ConfigureAwait(false);
            }

            written = writer.Finish();
        }

        var stats = Statistics.Write(written, configuration);
        var time = options.Time.GetUtcNow().ToUnixTimeMilliseconds();
        return await output.CommitIfAbsentAsync(ct).ConfigureAwait(false)
            ? new DataFile(path, output.Length, values, stats, written.Rows, time)
            : throw new DeltaException($"File {root + path} is there already; data files are never overwritten, choose another name.");
    }

    private string NewPath(IReadOnlyDictionary<string, string?> partition)
    {
        var suffix = options.Parquet.Compression switch { ParquetCompression.Snappy => ".snappy", ParquetCompression.Gzip => ".gz", _ => "" };
        return $"{PartitionFolder(partition)}part-00000-{options.NewId():D}-c000{suffix}.parquet";
    }

    /// <summary>`column=value/` for each partition column, characters that Hive would escape escaped as Hive does.</summary>
    public static string PartitionFolder(IReadOnlyDictionary<string, string?> partition)
    {
        if (partition.Count == 0) return "";
        var path = new StringBuilder();
        foreach (var (name, value) in partition) path.Append(Escape(name)).Append('=').Append(value is null ? "__HIVE_DEFAULT_PARTITION__" : Escape(value)).Append('/');
        return path.ToString();
    }

    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in text)
        {
            if (c < ' ' || c == 0x7F || "\"#%'*/:=?\\{}[]^".Contains(c)) escaped.Append('%').Append(((int)c).ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            else escaped.Append(c);
        }

        return escaped.ToString() is "." or ".." ? escaped.Replace(".", "%2E").ToString() : escaped.ToString();
    }

    /// <summary>The rows of a file, a batch per row group, with the columns asked for; partition columns come from the log.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(DataFile file, TableSchema wanted, IReadOnlyList<string> partitionColumns,
        ScanFilter? filter, [EnumeratorCancellation] CancellationToken ct)
    {
        if (file.Path.Contains("://", StringComparison.Ordinal) || file.Path.StartsWith('/'))
            throw new DeltaUnsupportedException($"File {file.Path} has an absolute path; only files below the table's folder are read here.");
        var partitions = new HashSet<string>(partitionColumns, StringComparer.OrdinalIgnoreCase);
        var stored = wanted.Without([.. partitions]);
        var size = file.Size > 0 ? file.Size : (await store.HeadAsync(root + file.Path, ct).ConfigureAwait(false))?.Size ?? 0;
        var reader = await ParquetReader.OpenAsync(new StoredSource(store, root + file.Path, size), new ReadLimits(options.ReadBudget, options.VerifyPageChecksums), ct).ConfigureAwait(false);
        for (var group = 0; group < reader.Metadata.Groups.Count; group++)
        {
            if (filter is not null && !RowGroupPruning.MayMatch(reader, group, filter)) continue;
            var batch = await reader.ReadGroupAsync(group, stored, ct).ConfigureAwait(false);
            var columns = new ColumnData[wanted.Fields.Count];
            for (int i = 0, from = 0; i < columns.Length; i++)
            {
                var field = wanted.Fields[i];
                columns[i] = partitions.Contains(field.Name)
                    ? ValueText.Constant(field.Type, PartitionValue(file, field.Name), batch.RowCount)
                    : batch.Columns[from++];
            }

            yield return new RecordBatch(wanted, columns, batch.RowCount);
        }
    }

    private static string? PartitionValue(DataFile file, string column)
    {
        if (file.PartitionValues.TryGetValue(column, out var value)) return value;
        foreach (var (name, other) in file.PartitionValues)
        {
            if (string.Equals(name, column, StringComparison.OrdinalIgnoreCase)) return other;
        }

        throw new DeltaFormatException($"File {file.Path} has no value for partition column '{column}' in the log.");
    }
}
