using System.Text;
using Tidemark.Delta;

namespace Tidemark.Storage;

/// <summary>Clickstream events as they stand in the silver table: skewed users and products, rising time, a few nulls. From a seed.</summary>
internal static class SilverEvents
{
    public static TableSchema Schema { get; } = new(
        new TableField("event_id", DataType.String, false), new TableField("event_type", DataType.String, false), new TableField("event_time", DataType.Timestamp, false),
        new TableField("user_id", DataType.String), new TableField("session_id", DataType.String), new TableField("product_id", DataType.String),
        new TableField("category", DataType.String), new TableField("page", DataType.String), new TableField("referrer", DataType.String),
        new TableField("country", DataType.String), new TableField("device", DataType.String), new TableField("quantity", DataType.Int32),
        new TableField("price", DataType.Decimal(12, 2)), new TableField("score", DataType.Double), new TableField("is_bot", DataType.Boolean, false),
        new TableField("kafka_partition", DataType.Int32, false), new TableField("kafka_offset", DataType.Int64, false), new TableField("ingest_time", DataType.Timestamp, false));

    private static readonly string[] Types = ["page_view", "page_view", "page_view", "page_view", "click", "click", "search", "add_to_cart", "remove_from_cart", "purchase"];
    private static readonly string[] Countries = ["DE", "AT", "CH", "FR", "GB", "US", "NL", "PL", "IT", "ES", "SE", "DK"];
    private static readonly string[] Devices = ["desktop", "mobile", "tablet"];
    private static readonly string[] Referrers = ["https://search.example/", "https://news.example/daily", "https://social.example/feed", "https://mail.example/campaign/42", ""];

    /// <param name="coded">Repeating strings as dictionary codes, as a streaming engine holds them; otherwise plain.</param>
    public static RecordBatch Make(int rows, int seed, bool coded)
    {
        var random = new Random(seed);
        int Skewed(int count) => (int)(Math.Pow(random.NextDouble(), 3) * count);
        var users = Pick(rows, 20_000, i => $"user-{i:D6}", _ => Skewed(20_000), coded, nullEvery: 5, random);
        var sessions = Pick(rows, 60_000, i => $"s-{i * 2654435761L % 4294967291:x8}", row => row / 40 + random.Next(200), coded, nullEvery: 0, random);
        var products = Pick(rows, 3_000, i => $"SKU-{i:D5}", _ => Skewed(3_000), coded, nullEvery: 3, random);
        long start = 1_767_225_600_000_000, clock = start;
        long[] times = new long[rows], ingest = new long[rows], offsets = new long[rows], prices = new long[rows];
        int[] quantity = new int[rows], partitions = new int[rows];
        var scores = new double[rows];
        var bots = new bool[rows];
        var next = new long[8];
        for (var i = 0; i < rows; i++)
        {
            clock += random.Next(2_000);
            times[i] = (clock - random.Next(5_000_000)) / 1000 * 1000;
            ingest[i] = clock + 350_000 + random.Next(40_000);
            quantity[i] = random.Next(10) == 0 ? random.Next(1, 20) : 1;
            prices[i] = (random.Next(2_000) + 1) * 25 - 1;
            scores[i] = random.NextDouble();
            bots[i] = random.Next(50) == 0;
            partitions[i] = random.Next(8);
            offsets[i] = 1_000_000 + next[partitions[i]]++;
        }

        return new RecordBatch(Schema,
        [
            Unique(rows, random), Pick(rows, Types.Length, i => Types[i], _ => random.Next(Types.Length), coded, 0, random), new Int64Column(times, rows), users, sessions, products,
            Pick(rows, 40, i => $"category {i}", _ => Skewed(40), coded, 3, random), Pick(rows, 5_000, i => $"/shop/products/{i * 31 % 5000}/details", _ => Skewed(5_000), coded, 0, random),
            Pick(rows, Referrers.Length, i => Referrers[i], _ => random.Next(Referrers.Length), coded, 4, random), Pick(rows, Countries.Length, i => Countries[i], _ => Skewed(Countries.Length), coded, 0, random),
            Pick(rows, Devices.Length, i => Devices[i], _ => Skewed(3), coded, 0, random), new Int32Column(quantity, rows, Nulls(rows, 3, random)), new Int64Column(prices, rows, Nulls(rows, 3, random)),
            new DoubleColumn(scores, rows), new BooleanColumn(bots, rows), new Int32Column(partitions, rows), new Int64Column(offsets, rows), new Int64Column(ingest, rows),
        ], rows);
    }

    private static ulong[]? Nulls(int rows, int every, Random random)
    {
        if (every == 0) return null;
        var bits = new ulong[NullBits.Words(rows)];
        for (var i = 0; i < rows; i++)
        {
            if (random.Next(every) == 0) NullBits.Set(bits, i);
        }

        return bits;
    }

    private static BytesColumn Unique(int rows, Random random)
    {
        var heap = new byte[rows * 36];
        var offsets = new int[rows + 1];
        var bytes = new byte[16];
        for (var i = 0; i < rows; i++)
        {
            random.NextBytes(bytes);
            new Guid(bytes).TryFormat(heap.AsSpan(i * 36), out _);
            offsets[i + 1] = (i + 1) * 36;
        }

        return new BytesColumn(heap, offsets, rows);
    }

    private static ColumnData Pick(int rows, int distinct, Func<int, string> text, Func<int, int> choose, bool coded, int nullEvery, Random random)
    {
        var heap = new MemoryStream();
        var starts = new int[distinct + 1];
        for (var i = 0; i < distinct; i++)
        {
            heap.Write(Encoding.UTF8.GetBytes(text(i)));
            starts[i + 1] = (int)heap.Length;
        }

        var codes = new int[rows];
        for (var i = 0; i < rows; i++) codes[i] = choose(i) % distinct;
        var nulls = Nulls(rows, nullEvery, random);
        var dictionary = new DictionaryColumn(codes, heap.ToArray(), starts, rows, nulls);
        if (coded) return dictionary;
        var offsets = new int[rows + 1];
        var plain = new MemoryStream();
        for (var i = 0; i < rows; i++)
        {
            if (!dictionary.IsNull(i)) plain.Write(dictionary[i]);
            offsets[i + 1] = (int)plain.Length;
        }

        return new BytesColumn(plain.ToArray(), offsets, rows, nulls);
    }
}
