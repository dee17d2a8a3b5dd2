using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>
/// The last amounts of a user or a category, and how far a new one is from them. Amounts are unscaled, four digits behind the point; they are kept in order
/// of arrival and in order of size, so that the median is at hand. Saved as a list of decimals, newest last.
/// </summary>
[JsonConverter(typeof(Saved))]
internal sealed class RecentAmounts
{
    private const int Least = 8;
    private const int Scale = 10_000;
    private long[] _recent = [];   // a ring once it is full
    private long[] _sorted = [];
    private int _oldest;

    public int Count { get; private set; }

    /// <summary>The median; there must be an amount.</summary>
    public decimal Median => TwiceMedian / (2m * Scale);

    private long TwiceMedian => Count % 2 == 1 ? 2 * _sorted[Count / 2] : _sorted[(Count / 2) - 1] + _sorted[Count / 2];

    /// <summary>Adds an amount; beyond so many the oldest goes.</summary>
    public void Add(long amount, int most)
    {
        if (Count < most)
        {
            if (Count == _recent.Length)
            {
                var size = Math.Min(most, Math.Max(Least, Count * 2));
                Array.Resize(ref _recent, size);
                Array.Resize(ref _sorted, size);
            }

            var at = Place(amount, Count);
            Array.Copy(_sorted, at, _sorted, at + 1, Count - at);
            (_sorted[at], _recent[Count]) = (amount, amount);
            Count++;
            return;
        }

        var gone = Array.BinarySearch(_sorted, 0, Count, _recent[_oldest]);
        Array.Copy(_sorted, gone + 1, _sorted, gone, Count - gone - 1);
        var to = Place(amount, Count - 1);
        Array.Copy(_sorted, to, _sorted, to + 1, Count - 1 - to);
        (_sorted[to], _recent[_oldest]) = (amount, amount);
        _oldest = (_oldest + 1) % Count;
    }

    /// <summary>
    /// Robust z-score, if it is at least <paramref name="from"/>: how many deviations above the median, the deviation being the median distance from it (at
    /// least a twentieth of it, and a hundredth), as wide as a standard deviation. Null below that, and below eight amounts.
    /// </summary>
    public double? Score(long amount, double from)
    {
        const double Normal = 0.6745;
        if (Count < Least)
            return null;
        // All in 40ths of the last digit, where everything is whole.
        var (median, enough) = (TwiceMedian, from * (1 - 1e-9));
        var leastDeviation = Math.Max(Math.Abs((double)median), Scale / 100 * 40);
        var above = (40d * amount) - (20d * median);
        if (Normal * above / leastDeviation < enough)
            return null;
        var deviation = FourTimesDeviation(median);
        if (Normal * above / Math.Max(10d * deviation, leastDeviation) < enough)
            return null;
        var exact = Normal * (double)(((40m * amount) - (20m * median)) / Math.Max(10m * deviation, Math.Max(Math.Abs((decimal)median), Scale / 100 * 40)));
        return exact >= from ? exact : null;
    }

    /// <summary>Four times the median distance from the median: the nearest half is found from the middle outwards.</summary>
    private long FourTimesDeviation(long twiceMedian)
    {
        var (right, before, here) = (Count / 2, 0L, 0L);
        var left = right - 1;
        for (var taken = 0; taken <= Count / 2; taken++)
        {
            var below = left >= 0 ? twiceMedian - (2 * _sorted[left]) : long.MaxValue;
            var above = right < Count ? (2 * _sorted[right]) - twiceMedian : long.MaxValue;
            before = here;
            here = Math.Min(below, above);
            if (below <= above)
                left--;
            else
                right++;
        }

        return Count % 2 == 1 ? 2 * here : before + here;
    }

    private int Place(long amount, int count) => Array.BinarySearch(_sorted, 0, count, amount) is var at && at < 0 ? ~at : at;

    internal sealed class Saved : JsonConverter<RecentAmounts>
    {
        public override RecentAmounts Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            var amounts = new RecentAmounts();
            if (reader.TokenType != JsonTokenType.StartArray)
                throw new JsonException("Recent amounts are a list of numbers.");
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                amounts.Add((long)(reader.GetDecimal() * Scale), int.MaxValue);
            return amounts;
        }

        public override void Write(Utf8JsonWriter writer, RecentAmounts value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            for (var i = 0; i < value.Count; i++)
                writer.WriteNumberValue(value._recent[(value._oldest + i) % value.Count] / (decimal)Scale);
            writer.WriteEndArray();
        }
    }
}
