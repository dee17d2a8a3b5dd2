using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.PowerBi;

/// <summary>The semantic model in powerbi/, as it is or with a fault put into a copy of one file.</summary>
public sealed class PowerBiModel
{
    private const string Folder = "Tidemark.SemanticModel/definition/";
    private readonly IReadOnlyDictionary<string, string> _texts;

    private PowerBiModel(IReadOnlyDictionary<string, string> texts)
    {
        _texts = texts;
        foreach (var (name, text) in texts.Where(t => t.Key.EndsWith(".tmdl", StringComparison.Ordinal)))
        {
            var (root, problems) = TmdlParser.Parse(name, text);
            Files[name] = root;
            SyntaxProblems.AddRange(problems);
        }
    }

    public static PowerBiModel Committed { get; } = new(Repository.Files("powerbi"));

    public IReadOnlyDictionary<string, string> Texts => _texts;

    public Dictionary<string, TmdlObject> Files { get; } = [];

    public List<string> SyntaxProblems { get; } = [];

    public IEnumerable<(string File, TmdlObject Table)> Tables => Files.SelectMany(f => f.Value.Of("table").Select(t => (f.Key, t)));

    public TmdlObject? Table(string name) => Tables.FirstOrDefault(t => t.Table.Name == name).Table;

    public IEnumerable<TmdlObject> Expressions => Files.Values.SelectMany(f => f.Of("expression"));

    public IEnumerable<TmdlObject> Relationships => Files.Values.SelectMany(f => f.Of("relationship"));

    public TmdlObject? Column(string table, string column) => Table(table)?.Of("column").FirstOrDefault(c => c.Name == column);

    public IEnumerable<TmdlObject> Measures => Tables.SelectMany(t => t.Table.Of("measure"));

    public TmdlObject Model => Files[Folder + "model.tmdl"];

    /// <summary>The same model with one piece of one file replaced; the piece must be there.</summary>
    public PowerBiModel With(string file, string piece, string replacement)
    {
        var text = _texts[file];
        Assert.Contains(piece, text, StringComparison.Ordinal);
        var at = text.IndexOf(piece, StringComparison.Ordinal);
        return new(new Dictionary<string, string>(_texts) { [file] = text[..at] + replacement + text[(at + piece.Length)..] });
    }

    public static string TableFile(string table) => $"{Folder}tables/{table}.tmdl";
}
