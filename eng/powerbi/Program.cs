using Tidemark.PowerBi;

// Writes what follows from the pipeline's schemas into powerbi/ and removes what no longer does. Run it after a query or a column changed:
//   dotnet run --project eng/powerbi
var root = new DirectoryInfo(AppContext.BaseDirectory);
while (root is not null && !File.Exists(Path.Combine(root.FullName, "Functions.sln")))
    root = root.Parent;
if (root is null)
{
    Console.Error.WriteLine("Functions.sln is in none of the folders above the program; run it from a checkout.");
    return 1;
}

var folder = Path.Combine(root.FullName, "powerbi");
var project = PowerBiProject.Generate(LakeModel.OfClickstream());
foreach (var stale in PowerBiProject.Generated(folder).Where(name => !project.ContainsKey(name)))
{
    File.Delete(Path.Combine(folder, stale));
    Console.WriteLine($"removed {stale}");
}

foreach (var (name, text) in project)
{
    var path = Path.Combine(folder, name);
    if (File.Exists(path) && File.ReadAllText(path) == text)
        continue;
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    File.WriteAllText(path, text);
    Console.WriteLine($"wrote {name}");
}

return 0;
