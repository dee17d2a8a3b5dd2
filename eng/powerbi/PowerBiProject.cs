namespace Tidemark.PowerBi;

/// <summary>The files of powerbi/ that follow from the pipeline: tables, relationships and the list of them; and the pages of the report.</summary>
internal static class PowerBiProject
{
    public const string Model = "Tidemark.SemanticModel/definition/";
    public const string Report = "Tidemark.Report/definition/";

    /// <summary>Path below powerbi/ and text of every generated file.</summary>
    public static SortedDictionary<string, string> Generate(LakeModel lake)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var tables = new List<string>();
        foreach (var table in lake.Tables)
            Add(table.Name, DeltaTableFile.Text(table));
        foreach (var table in lake.Results)
            Add(LatestTableFile.Name(table.Output), LatestTableFile.Text(table));
        var dimensions = Dimension.Of(lake);
        foreach (var dimension in dimensions)
            Add(dimension.Name, dimension.Text());
        Add(DateTable.Name, DateTable.Text());
        Add(Measures.Table, Measures.Text());
        files[Model + "model.tmdl"] = ModelFile.Text(tables);
        files[Model + "relationships.tmdl"] = RelationshipsFile.Text(lake, dimensions);
        foreach (var (name, text) in ReportPages.Files())
            files[Report + name] = text;
        return files;

        void Add(string name, string text)
        {
            tables.Add(name);
            files[$"{Model}tables/{name}.tmdl"] = text;
        }
    }

    /// <summary>Files in a folder powerbi/ that are generated, or were.</summary>
    public static IEnumerable<string> Generated(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .Where(name => name.StartsWith(Model + "tables/", StringComparison.Ordinal) || name.StartsWith(Report + "pages/", StringComparison.Ordinal)
                || name is Model + "model.tmdl" or Model + "relationships.tmdl");
}
