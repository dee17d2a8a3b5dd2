using System.Globalization;

namespace Tidemark.Domain.Queries;

/// <summary>How a field is compared with a number.</summary>
public enum Comparison { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual }

/// <summary>
/// A condition on one row, with SQL's logic of three values: a comparison with null is unknown, and a row passes only when the whole is true.
/// Conditions are data: they are compared, printed and checked against a schema.
/// </summary>
public abstract record Filter
{
    private protected Filter() { }

    /// <summary>Every row.</summary>
    public static Filter All { get; } = new AllOf([]);

    /// <summary>Both conditions.</summary>
    public static Filter operator &(Filter a, Filter b) => new AllOf([a, b]);

    /// <summary>One of the conditions or both.</summary>
    public static Filter operator |(Filter a, Filter b) => new AnyOf([a, b]);

    /// <summary>The opposite; unknown stays unknown.</summary>
    public static Filter operator !(Filter a) => new Opposite(a);

    /// <summary>Fields that the condition reads; one may come more than once.</summary>
    internal static IEnumerable<string> Fields(Filter filter) => filter switch
    {
        AllOf all => all.Parts.SelectMany(Fields),
        AnyOf any => any.Parts.SelectMany(Fields),
        Opposite not => Fields(not.Part),
        TextIn text => [text.Field],
        NumberIs number => [number.Field],
        IsMissing missing => [missing.Field],
        _ => [],
    };
}

/// <summary>All of several conditions; true when there is none.</summary>
public sealed record AllOf(IReadOnlyList<Filter> Parts) : Filter
{
    /// <inheritdoc/>
    public override string ToString() => Parts.Count == 0 ? "true" : $"({string.Join(" and ", Parts)})";
}

/// <summary>At least one of several conditions; false when there is none.</summary>
public sealed record AnyOf(IReadOnlyList<Filter> Parts) : Filter
{
    /// <inheritdoc/>
    public override string ToString() => Parts.Count == 0 ? "false" : $"({string.Join(" or ", Parts)})";
}

/// <summary>The opposite of a condition.</summary>
public sealed record Opposite(Filter Part) : Filter
{
    /// <inheritdoc/>
    public override string ToString() => $"not {Part}";
}

/// <summary>A text field is one of these words, compared byte by byte.</summary>
public sealed record TextIn(string Field, IReadOnlyList<string> Words) : Filter
{
    /// <inheritdoc/>
    public override string ToString() => $"{Field} in ({string.Join(", ", Words.Select(w => $"'{w.Replace("'", "''", StringComparison.Ordinal)}'"))})";
}

/// <summary>A numeric field compares to a number, exactly.</summary>
public sealed record NumberIs(string Field, Comparison Comparison, decimal Number) : Filter
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var sign = Comparison switch
        {
            Comparison.Equal => "=",
            Comparison.NotEqual => "<>",
            Comparison.Less => "<",
            Comparison.LessOrEqual => "<=",
            Comparison.Greater => ">",
            _ => ">=",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{Field} {sign} {Number}");
    }
}

/// <summary>A field has no value.</summary>
public sealed record IsMissing(string Field) : Filter
{
    /// <inheritdoc/>
    public override string ToString() => $"{Field} is null";
}
