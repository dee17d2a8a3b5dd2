using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Columns;

public class SegmentCodecTests
{
    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void What_is_written_is_read_back_whole_and_in_parts(int seed)
    {
        var random = new Random(seed);
        var segment = RandomSegment(random);
        var bytes = SegmentCodec.Write(segment);

        var read = SegmentCodec.Read(bytes);
        Assert.Equal(segment.Counts.OrderBy(c => c.Key), read.Counts.OrderBy(c => c.Key));
        Assert.Equal(segment.Partials.Keys.Order(), read.Partials.Keys.Order());
        foreach (var (key, partial) in SegmentCodec.ReadPartials(bytes))
            Assert.Equal(segment.Partials[key].ToArray(), partial);
        Assert.Equal(segment.Rows.Keys.Order(), read.Rows.Keys.Order());
        foreach (var (name, rows) in segment.Rows)
        {
            AssertSame(rows, read.Rows[name], seed);
            AssertSame(rows, SegmentCodec.ReadTable(bytes, name)!, seed);
        }
        Assert.Null(SegmentCodec.ReadTable(bytes, "no/such"));
        Assert.Equal(bytes, SegmentCodec.Write(read));
    }

    [Theory]
    [MemberData(nameof(Seeds), 40)]
    public void Damaged_bytes_end_in_InvalidDataException(int seed)
    {
        var random = new Random(seed);
        var bytes = SegmentCodec.Write(RandomSegment(random));
        for (var i = 0; i < 50; i++)
        {
            var damaged = Damage(random, bytes);
            if (damaged.AsSpan().SequenceEqual(bytes))
                continue;
            AssertReadsOrRefuses(() => SegmentCodec.Read(damaged));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void Damaged_columns_end_in_InvalidDataException(int seed)
    {
        var random = new Random(seed);
        var rows = RandomRows(random);
        for (var c = 0; c < rows.Columns.Count; c++)
        {
            var writer = new ByteWriter();
            ColumnCodec.Write(writer, rows.Columns[c]);
            for (var i = 0; i < 20; i++)
            {
                var damaged = Damage(random, writer.Written);
                AssertReadsOrRefuses(() =>
                {
                    var reader = new ByteReader(damaged);
                    var column = ColumnCodec.Read(ref reader, rows.Count);
                    for (var row = 0; row < column.Count; row++)
                        _ = column is DictionaryColumn d ? d.Dictionary[d.Codes[row] % Math.Max(1, d.Dictionary.Count)].Length : 0;
                });
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 30)]
    public void Concat_is_the_rows_one_after_the_other(int seed)
    {
        var random = new Random(seed);
        var schema = RandomSchema(random);
        var batches = Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomRows(random, schema)).ToArray();
        var all = RowBatches.Concat(schema, batches);
        var expected = batches.SelectMany(b => Enumerable.Range(0, b.Count).Select(r => Line(b, r)));
        Assert.Equal(expected, Enumerable.Range(0, all.Count).Select(r => Line(all, r)));
    }

    [Fact]
    public void A_dictionary_holds_what_its_batch_uses_and_nothing_of_earlier_batches()
    {
        var builder = new DictionaryColumnBuilder();
        var random = new Random(7);
        for (var batch = 0; batch < 50; batch++)
        {
            builder.Reset();
            var words = Enumerable.Range(0, random.Next(0, 300)).Select(_ => "w" + random.Next(1 << random.Next(1, 12))).ToArray();
            foreach (var word in words)
                builder.Append(Encoding.UTF8.GetBytes(word));
            var column = (DictionaryColumn)builder.Build();
            Assert.Equal(words.Distinct(), Enumerable.Range(0, column.Dictionary.Count).Select(i => Encoding.UTF8.GetString(column.Dictionary[i])));
            Assert.Equal(words, Enumerable.Range(0, column.Count).Select(i => Encoding.UTF8.GetString(column.Dictionary[column.Codes[i]])));
        }
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    private static void AssertReadsOrRefuses(Action read)
    {
        try
        {
            read();
        }
        catch (InvalidDataException)
        {
        }
    }

    private static byte[] Damage(Random random, ReadOnlySpan<byte> bytes)
    {
        var damaged = bytes[..(random.Next(4) == 0 ? random.Next(bytes.Length + 1) : bytes.Length)].ToArray();
        for (var left = random.Next(0, 4); left > 0 && damaged.Length > 0; left--)
            damaged[random.Next(2) == 0 ? random.Next(damaged.Length) : random.Next(Math.Min(40, damaged.Length))] = (byte)random.Next(256);
        return damaged;
    }

    private static void AssertSame(RowBatch expected, RowBatch actual, int seed)
    {
        Assert.Equal(expected.Schema.Fields, actual.Schema.Fields);
        Assert.True(expected.Count == actual.Count, $"seed {seed}");
        for (var row = 0; row < expected.Count; row++)
            Assert.Equal(Line(expected, row), Line(actual, row));
    }

    private static string Line(RowBatch rows, int row) =>
        string.Join('|', Enumerable.Range(0, rows.Columns.Count).Select(c => rows.Text(row, c) ?? "NULL"));

    private static Segment RandomSegment(Random random) => new(
        Enumerable.Range(0, random.Next(4)).ToDictionary(i => $"table/{i}", _ => RandomRows(random)),
        Enumerable.Range(0, random.Next(4)).ToDictionary(i => new EntityKey($"{i}m", random.NextInt64() - long.MaxValue / 2), _ => (ReadOnlyMemory<byte>)Bytes(random, 500)),
        Enumerable.Range(0, random.Next(4)).ToDictionary(i => $"count/{i}", _ => random.NextInt64()));

    private static RowSchema RandomSchema(Random random) => new([.. Enumerable.Range(0, random.Next(1, 8)).Select(i =>
        (FieldType)random.Next(9) is var type && type == FieldType.Decimal
            ? new RowField($"f{i}", type, true, random.Next(2) == 0 ? 18 : 38, 4)
            : new RowField($"f{i}", type, random.Next(2) == 0))]);

    private static RowBatch RandomRows(Random random, RowSchema? schema = null)
    {
        schema ??= RandomSchema(random);
        var count = random.Next(0, 200);
        var nullRate = random.Next(3) * 0.3;
        var columns = schema.Fields.Select(field =>
        {
            var builder = ColumnBuilder.For(field, dictionary: random.Next(2) == 0);
            for (var i = 0; i < count; i++)
                if (random.NextDouble() < nullRate)
                    builder.AppendNull();
                else
                    Append(random, field, builder);
            return builder.Build();
        });
        return new RowBatch(schema, [.. columns], count);
    }

    private static void Append(Random random, RowField field, ColumnBuilder builder)
    {
        switch (builder)
        {
            case DictionaryColumnBuilder d: d.Append(Encoding.UTF8.GetBytes("wört" + random.Next(20))); break;
            case Utf8ColumnBuilder u: u.Append(Encoding.UTF8.GetBytes("text " + random.Next())); break;
            case BinaryColumnBuilder b: b.Append(Bytes(random, 20)); break;
            case Int32ColumnBuilder i: i.Append(field.Type == FieldType.Date ? random.Next(20_000) : random.Next(int.MinValue, int.MaxValue)); break;
            case Int64ColumnBuilder l when field.Type == FieldType.Timestamp: l.Append(random.NextInt64(4_000_000_000_000_000)); break;
            case Int64ColumnBuilder l: l.Append(random.Next(9) switch { 0 => long.MinValue, 1 => long.MaxValue, _ => random.NextInt64() - (1L << 62) }); break;
            case Int128ColumnBuilder w: w.Append((Int128)random.NextInt64() * random.Next()); break;
            case DoubleColumnBuilder d: d.Append(random.NextDouble()); break;
            case BooleanColumnBuilder b: b.Append(random.Next(2) == 0); break;
        }
    }

    private static byte[] Bytes(Random random, int most)
    {
        var bytes = new byte[random.Next(most)];
        random.NextBytes(bytes);
        return bytes;
    }
}
