using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>
/// Sessions by other product, at most so many: a newcomer beyond that takes the place and the count of the least (space saving), so a count is too high by at
/// most all of them over that number. Saved as an object in the order of the names.
/// </summary>
[JsonConverter(typeof(Saved))]
internal sealed class OtherCounts
{
    private readonly Dictionary<string, long> _counts = new(ByUtf8.Instance);

    // Names that had the least count when they were looked for, last name first. A newcomer has more, so the others of that count can only become fewer.
    private readonly Stack<string> _least = [];
    private long _leastCount;

    /// <summary>Counts one more session.</summary>
    public void Add(ReadOnlySpan<byte> other, int most)
    {
        ref var count = ref CollectionsMarshal.GetValueRefOrNullRef(_counts.GetAlternateLookup<ReadOnlySpan<byte>>(), other);
        if (!Unsafe.IsNullRef(ref count))
        {
            count++;
            return;
        }

        var least = 0L;
        if (_counts.Count >= most)
        {
            _counts.Remove(Least());
            least = _leastCount;
        }

        _counts[Encoding.UTF8.GetString(other)] = least + 1;
    }

    /// <summary>The name with the least count, the first of equal ones.</summary>
    private string Least()
    {
        while (_least.TryPop(out var name))
            if (_counts.TryGetValue(name, out var count) && count == _leastCount)
                return name;
        _leastCount = _counts.Values.Min();
        foreach (var (name, _) in _counts.Where(c => c.Value == _leastCount).OrderByDescending(c => c.Key, StringComparer.Ordinal))
            _least.Push(name);
        return _least.Pop();
    }

    /// <summary>The most frequent as JSON, equal counts in the order of names.</summary>
    public byte[] Top(int shown)
    {
        Span<(long Count, int At)> best = stackalloc (long, int)[shown];
        var names = new string[_counts.Count];
        var (at, found) = (0, 0);
        foreach (var (name, count) in _counts)
        {
            names[at] = name;
            if (found < shown || IsBefore(count, name, best[^1]))
            {
                var place = found < shown ? found++ : shown - 1;
                for (; place > 0 && IsBefore(count, name, best[place - 1]); place--)
                    best[place] = best[place - 1];
                best[place] = (count, at);
            }

            at++;
        }

        var buffer = new ArrayBufferWriter<byte>(64 + (found * 40));
        using var json = new Utf8JsonWriter(buffer, StoredJson.Writer);
        json.WriteStartArray();
        foreach (var (count, name) in best[..found])
        {
            json.WriteStartObject();
            json.WriteString("product_id"u8, names[name]);
            json.WriteNumber("sessions"u8, count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        return buffer.WrittenSpan.ToArray();

        bool IsBefore(long count, string name, (long Count, int At) than) =>
            count != than.Count ? count > than.Count : string.CompareOrdinal(name, names[than.At]) < 0;
    }

    /// <summary>Names found by their UTF-8 bytes, so that no string is made for one that is there.</summary>
    private sealed class ByUtf8 : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<byte>, string>
    {
        public static ByUtf8 Instance { get; } = new();

        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

        public int GetHashCode(string name)
        {
            Span<byte> room = name.Length <= 80 ? stackalloc byte[240] : new byte[name.Length * 3];
            return GetHashCode(room[..Encoding.UTF8.GetBytes(name, room)]);
        }

        public bool Equals(ReadOnlySpan<byte> alternate, string other) => Ascii.Equals(alternate, other) || Create(alternate) == other;

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)Hash64.Of(alternate);

        public string Create(ReadOnlySpan<byte> alternate) => Encoding.UTF8.GetString(alternate);
    }

    internal sealed class Saved : JsonConverter<OtherCounts>
    {
        public override OtherCounts Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            var counts = new OtherCounts();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                counts._counts[name] = reader.GetInt64();
            }

            return counts;
        }

        public override void Write(Utf8JsonWriter writer, OtherCounts value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var (name, count) in value._counts.OrderBy(c => c.Key, StringComparer.Ordinal))
                writer.WriteNumber(name, count);
            writer.WriteEndObject();
        }
    }
}
