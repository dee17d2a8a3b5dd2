namespace Tidemark.Domain.Queries;

/// <summary>A field by name, to write conditions with: <c>Field.Named("country").In("DE", "AT") &amp; Field.Named("price").AtLeast(10)</c>.</summary>
public sealed record Field
{
    private Field(string name) => Name = name;

    /// <summary>Column name in the source.</summary>
    public string Name { get; }

    /// <summary>Starts a condition on a field.</summary>
    public static Field Named(string name) => new(name);

    /// <summary>Text equals.</summary>
    public Filter Is(string word) => new TextIn(Name, [word]);

    /// <summary>Text is one of these.</summary>
    public Filter In(params string[] words) => new TextIn(Name, words);

    /// <summary>Number equals.</summary>
    public Filter Is(decimal number) => new NumberIs(Name, Comparison.Equal, number);

    /// <summary>Number is not.</summary>
    public Filter IsNot(decimal number) => new NumberIs(Name, Comparison.NotEqual, number);

    /// <summary>Number is less.</summary>
    public Filter Below(decimal number) => new NumberIs(Name, Comparison.Less, number);

    /// <summary>Number is less or equal.</summary>
    public Filter AtMost(decimal number) => new NumberIs(Name, Comparison.LessOrEqual, number);

    /// <summary>Number is greater.</summary>
    public Filter Above(decimal number) => new NumberIs(Name, Comparison.Greater, number);

    /// <summary>Number is greater or equal.</summary>
    public Filter AtLeast(decimal number) => new NumberIs(Name, Comparison.GreaterOrEqual, number);

    /// <summary>There is no value.</summary>
    public Filter IsNull() => new IsMissing(Name);
}
