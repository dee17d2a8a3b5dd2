namespace Tidemark.Bench.Pipeline;

/// <summary>Where the parts of this checkout are.</summary>
internal static class Places
{
    public static string Root { get; } = Find();

    public static string Program => Path.Combine(Root, "src", "LocalHost", "bin", "Release", "net10.0", "Tidemark.LocalHost");

    public static string Oracle => Path.Combine(Root, "tests", "EndToEnd", "oracle");

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("Functions.sln is in none of the folders above the program; run ./bench from a checkout.");
    }
}
