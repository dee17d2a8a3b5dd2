using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Tests.Lake;

/// <summary>Rows of every type, with nulls, odd texts and arrays longer than needed, from a seed.</summary>
internal static class SampleRows
{
    public static RowSchema Schema { get; } = new(
    [
        new("n", FieldType.Int64, false), new("text", FieldType.String), new("word", FieldType.String), new("raw", FieldType.Binary), new("i", FieldType.Int32),
        new("d", FieldType.Double), new("b", FieldType.Boolean), new("at", FieldType.Timestamp), new("day", FieldType.Date),
        new("price", FieldType.Decimal, Precision: 18, Scale: 4), new("total", FieldType.Decimal, Precision: 38, Scale: 4),
    ]);

    public static RowBatch Batch(int seed, int count)
    {
        var random = new Random(seed);
        var texts = Enumerable.Range(0, count).Select(i => i % 7 == 0 ? "" : $"Größe {random.Next()} 日本 😀").ToArray();
        string[] words = ["DE", "", "unused", "FR", "日本"];
        return new RowBatch(Schema,
        [
            new Int64Column([.. Enumerable.Range(0, count + 3).Select(_ => random.NextInt64())], count),
            Text(texts, Nulls(random, count)),
            new DictionaryColumn([.. Enumerable.Range(0, count).Select(_ => new[] { 0, 1, 3, 4 }[random.Next(4)])], Text(words, null), count, Nulls(random, count)),
            new BinaryColumn([.. texts.SelectMany(Encoding.UTF8.GetBytes)], Offsets(texts), count, Nulls(random, count)),
            new Int32Column([.. Enumerable.Range(0, count).Select(_ => random.Next())], count, Nulls(random, count)),
            new DoubleColumn([.. Enumerable.Range(0, count).Select(_ => random.NextDouble())], count, Nulls(random, count)),
            new BooleanColumn([.. Enumerable.Range(0, count).Select(_ => random.Next(2) == 0)], count, Nulls(random, count)),
            new Int64Column([.. Enumerable.Range(0, count).Select(_ => random.NextInt64(0, 4_000_000_000_000_000))], count, Nulls(random, count)),
            new Int32Column([.. Enumerable.Range(0, count).Select(_ => 20_000 + random.Next(3))], count),
            new Int64Column([.. Enumerable.Range(0, count).Select(_ => random.NextInt64(-1_000_000, 1_000_000))], count, Nulls(random, count)),
            new Int128Column([.. Enumerable.Range(0, count).Select(_ => (Int128)random.NextInt64() * 1_000_003)], count, Nulls(random, count)),
        ], count);
    }

    /// <summary>Same schema and values, whatever the layout of text.</summary>
    public static void AssertSame(RowBatch expected, RowBatch actual)
    {
        Assert.Equal(expected.Schema.Fields, actual.Schema.Fields);
        Assert.Equal(expected.Count, actual.Count);
        for (var column = 0; column < expected.Columns.Count; column++)
            for (var row = 0; row < expected.Count; row++)
                Assert.Equal(Value(expected.Columns[column], row), Value(actual.Columns[column], row));
    }

    private static object? Value(Column column, int row) => column.IsNull(row) ? null : column switch
    {
        Int32Column c => c.Values[row],
        Int64Column c => c.Values[row],
        Int128Column c => c.Values[row],
        DoubleColumn c => c.Values[row],
        BooleanColumn c => c.Values[row],
        DictionaryColumn c => Convert.ToHexString(c.Dictionary[c.Codes[row]]),
        BinaryColumn c => Convert.ToHexString(c[row]),
        _ => throw new NotSupportedException(),
    };

    private static ulong[] Nulls(Random random, int count)
    {
        var nulls = new ulong[(count + 63) / 64];
        for (var i = 0; i < count; i++)
            if (random.Next(5) == 0)
                nulls[i >> 6] |= 1UL << (i & 63);
        return nulls;
    }

    private static Utf8Column Text(string[] texts, ulong[]? nulls) => new([.. texts.SelectMany(Encoding.UTF8.GetBytes)], Offsets(texts), texts.Length, nulls);

    private static int[] Offsets(string[] texts)
    {
        var offsets = new int[texts.Length + 1];
        for (var i = 0; i < texts.Length; i++)
            offsets[i + 1] = offsets[i] + Encoding.UTF8.GetByteCount(texts[i]);
        return offsets;
    }
}

/// <summary>A pipeline with a partitioned table and a query, for stores; it computes nothing.</summary>
internal sealed class SamplePipeline : IPipeline
{
    public IReadOnlyList<TableSpec> Tables { get; } = [new("silver/sample", SampleRows.Schema, ["day"])];

    public IReadOnlyList<QuerySpec> Queries { get; } = [new("sample", 0, 1, 1, "1m", true, SampleRows.Schema, [])];

    public IReadOnlyList<StreamSpec> Streams => [];

    public IStreamState OpenStream(string stream, ReadOnlySpan<byte> state) => throw new NotSupportedException();

    public IDecodedRecords Decode(int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs) => throw new NotSupportedException();

    public Segment Build(IDecodedRecords decoded, long frontierMs) => throw new NotSupportedException();

    public IFoldState Load(EntityKey key, ReadOnlySpan<byte> state) => new Sum(state);

    public bool IsEvictable(EntityKey key, Func<string, long?> positionOf) => false;

    public RowBatch Emit(string query, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched = null) => throw new NotSupportedException();

    /// <summary>A state of one byte, the sum of what was merged; a partial of another length is unreadable.</summary>
    private sealed class Sum : IFoldState
    {
        private byte _sum;

        public Sum(ReadOnlySpan<byte> state)
        {
            if (state.Length > 0)
                Merge(state);
        }

        public void Merge(ReadOnlySpan<byte> partial) => _sum += partial.Length == 1 ? partial[0] : throw new InvalidDataException($"{partial.Length} bytes are no sum.");

        public void Evict(Func<string, long?> upTo) => _sum = upTo("sample") is null ? _sum : (byte)0;

        public byte[] Save() => [_sum];
    }
}
