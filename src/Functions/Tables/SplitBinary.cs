using System.Globalization;
using Azure.Data.Tables;

namespace Tidemark.Functions.Tables;

/// <summary>
/// Bytes of any length in an entity, as binary properties of at most 64 KB each: <c>{prefix}0</c>, <c>{prefix}1</c>, … and their total length as
/// <c>{prefix}Length</c>, so that a lost piece is noticed.
/// </summary>
internal static class SplitBinary
{
    private const int Piece = 64 << 10;

    /// <summary>Adds the bytes to the entity.</summary>
    public static void Put(TableEntity entity, string prefix, byte[] bytes)
    {
        entity[prefix + "Length"] = bytes.Length;
        for (int at = 0, piece = 0; at < bytes.Length; at += Piece, piece++)
            entity[Name(prefix, piece)] = bytes.Length <= Piece ? bytes : bytes.AsSpan(at, Math.Min(Piece, bytes.Length - at)).ToArray();
    }

    /// <summary>The bytes as they were put; null when there are none. Throws <see cref="InvalidDataException"/> when a piece is missing.</summary>
    public static byte[]? Get(TableEntity entity, string prefix)
    {
        if (entity.GetInt32(prefix + "Length") is not { } length)
            return null;
        var first = length == 0 ? [] : entity.GetBinary(prefix + "0");
        if (first?.Length == length)
            return first;
        var bytes = new byte[length];
        var at = 0;
        for (var piece = 0; at < length; piece++)
        {
            var part = entity.GetBinary(Name(prefix, piece));
            if (part is null || part.Length == 0 || part.Length > length - at)
                throw new InvalidDataException($"Property {Name(prefix, piece)} of row '{entity.RowKey}' in partition '{entity.PartitionKey}' is missing or has the wrong length; the row was changed by hand.");
            part.CopyTo(bytes, at);
            at += part.Length;
        }

        return bytes;
    }

    private static string Name(string prefix, int piece) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{piece}");
}
