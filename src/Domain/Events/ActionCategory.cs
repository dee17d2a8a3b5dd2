using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Events;

/// <summary>
/// The kind of action behind an event type, as exact lower-case names: engagement (page_view, view, scroll), interaction (click, hover), conversion
/// (purchase, add_to_cart), and other for every type that is none of these. Looked up once per distinct type of a batch.
/// </summary>
internal sealed class ActionCategory
{
    private const int Engagement = 0, Interaction = 1, Conversion = 2, Other = 3;
    private static readonly Utf8Column Categories = Texts("engagement", "interaction", "conversion", "other");
    private int[] categoryOf = new int[16];
    private int[] codes = new int[64];

    /// <summary>The category of each row; valid until the next call.</summary>
    public DictionaryColumn Of(DictionaryColumn eventTypes)
    {
        var types = eventTypes.Dictionary;
        if (categoryOf.Length < types.Count)
            categoryOf = new int[types.Count * 2];
        for (var type = 0; type < types.Count; type++)
            categoryOf[type] = Of(types[type]);
        if (codes.Length < eventTypes.Count)
            codes = new int[eventTypes.Codes.Length];
        for (var row = 0; row < eventTypes.Count; row++)
            codes[row] = categoryOf[eventTypes.Codes[row]];
        return new DictionaryColumn(codes, Categories, eventTypes.Count);
    }

    private static int Of(ReadOnlySpan<byte> eventType) =>
        Is(eventType, "page_view"u8) || Is(eventType, "view"u8) || Is(eventType, "scroll"u8) ? Engagement
        : Is(eventType, "click"u8) || Is(eventType, "hover"u8) ? Interaction
        : Is(eventType, "purchase"u8) || Is(eventType, "add_to_cart"u8) ? Conversion
        : Other;

    private static bool Is(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => a.SequenceEqual(b);

    private static Utf8Column Texts(params string[] texts)
    {
        var builder = new Utf8ColumnBuilder();
        foreach (var text in texts)
            builder.Append(Encoding.UTF8.GetBytes(text));
        return (Utf8Column)builder.Build();
    }
}
