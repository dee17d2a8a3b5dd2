using System.Text.Json.Nodes;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Bicep;

/// <summary>All files of infra/bicep, as they are or with a fault put into a copy of one.</summary>
public sealed class BicepProject
{
    private static readonly Lazy<BicepProject> Real = new(() => new(Repository.Files("infra/bicep")));
    private readonly IReadOnlyDictionary<string, string> _texts;

    private BicepProject(IReadOnlyDictionary<string, string> texts)
    {
        _texts = texts;
        Files = texts.Where(t => t.Key.EndsWith(".bicep", StringComparison.Ordinal)).ToDictionary(t => t.Key, t => new BicepFile(t.Key, t.Value));
    }

    public static BicepProject Committed => Real.Value;

    public IReadOnlyDictionary<string, BicepFile> Files { get; }

    public BicepFile this[string name] => Files[name];

    public IEnumerable<string> Names => _texts.Keys;

    /// <summary>The same project with one piece of one file replaced; the piece must be there.</summary>
    public BicepProject With(string file, string piece, string replacement)
    {
        Assert.Contains(piece, _texts[file], StringComparison.Ordinal);
        var at = _texts[file].IndexOf(piece, StringComparison.Ordinal);
        return new(new Dictionary<string, string>(_texts) { [file] = _texts[file][..at] + replacement + _texts[file][(at + piece.Length)..] });
    }

    public string? Text(string file) => _texts.GetValueOrDefault(file);

    public JsonNode Json(string file) => JsonNode.Parse(_texts[file])!;

    /// <summary>Path of a file named in another one.</summary>
    public static string Beside(string file, string path)
    {
        var parts = file.Split('/')[..^1].ToList();
        foreach (var part in path.Split('/'))
        {
            if (part == "..")
                parts.RemoveAt(parts.Count - 1);
            else if (part != ".")
                parts.Add(part);
        }

        return string.Join('/', parts);
    }

    /// <summary>Writes all files to a folder.</summary>
    public void Write(string folder)
    {
        foreach (var (name, text) in _texts)
        {
            var path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
    }
}
