using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Joins;

/// <summary>Which columns can be keys: equality is of bytes, so types and scales must be the same, and doubles have none worth the name.</summary>
internal static class KeyTypes
{
    public static void Check(string stage, RowSchema source, IEnumerable<string> keys)
    {
        foreach (var key in keys)
            if (source.Fields[source.IndexOf(key)].Type is FieldType.Double)
                throw new StreamException(stage, $"its key '{key}' is a double, whose equality means little; round it to a decimal or use a text");
    }

    public static void CheckEqual(string stage, IReadOnlyList<(string Left, string Right)> pairs, RowSchema left, RowSchema right)
    {
        Check(stage, left, pairs.Select(p => p.Left));
        foreach (var (leftName, rightName) in pairs)
        {
            var (a, b) = (left.Fields[left.IndexOf(leftName)], right.Fields[right.IndexOf(rightName)]);
            if (Form(a) != Form(b))
                throw new StreamException(stage, $"it sets '{leftName}' ({Text(a)}) equal to '{rightName}' ({Text(b)}), which could never match; make them the same type");
        }
    }

    /// <summary>What makes equal values equal bytes.</summary>
    private static (FieldType, int, bool) Form(RowField field) => field.Type switch
    {
        FieldType.Int32 => (FieldType.Int64, 0, false),
        FieldType.Decimal => (FieldType.Decimal, field.Scale, field.Precision > 18),
        var type => (type, 0, false),
    };

    private static string Text(RowField field) => field.Type == FieldType.Decimal ? $"decimal({field.Precision},{field.Scale})" : field.Type.ToString().ToLowerInvariant();
}
