namespace Tidemark.Infra.Tests.PowerBi;

/// <summary>An object of a TMDL file: <c>column price</c>, <c>partition P = m</c>, <c>refreshPolicy</c>.</summary>
/// <param name="Kind">First word.</param>
/// <param name="Name">Without quotes; empty where the kind needs none.</param>
/// <param name="Default">What stands after the equals sign, on the same line or indented below it.</param>
/// <param name="Line">Line of the file.</param>
public sealed record TmdlObject(string Kind, string Name, string? Default, int Line)
{
    public List<TmdlObject> Children { get; } = [];

    /// <summary>Properties; a flag such as isHidden is "true".</summary>
    public Dictionary<string, string> Properties { get; } = new(StringComparer.Ordinal);

    public IEnumerable<TmdlObject> Of(string kind) => Children.Where(c => c.Kind == kind);
}
