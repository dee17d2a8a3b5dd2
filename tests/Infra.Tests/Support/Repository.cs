namespace Tidemark.Infra.Tests.Support;

/// <summary>Files of the repository, and material of others that may lie beside it.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Every file below a folder by its path from there, with slashes.</summary>
    public static SortedDictionary<string, string> Files(string folder, Func<string, bool>? which = null)
    {
        var root = Path.Combine(Root, folder);
        return new(Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Select(file => (File: file, Name: Path.GetRelativePath(root, file).Replace('\\', '/')))
            .Where(f => which is null || which(f.Name))
            .ToDictionary(f => f.Name, f => File.ReadAllText(f.File)), StringComparer.Ordinal);
    }

    /// <summary>A file or folder beside the repository with material of others; null where it is absent.</summary>
    public static string? Shared(string name)
    {
        for (var folder = new DirectoryInfo(Root).Parent; folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", name);
            if (Path.Exists(path))
                return path;
        }

        return null;
    }

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
                return folder.FullName;
        throw new InvalidOperationException("Functions.sln is in none of the folders above the tests.");
    }
}

/// <summary>A fact that needs material of others; skipped, with the reason, where it is absent.</summary>
public sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(string name)
    {
        if (Repository.Shared(name) is null)
            Skip = $"../shared/{name} is absent; it is not part of the repository.";
    }
}

/// <inheritdoc cref="SharedFactAttribute"/>
public sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute(string name)
    {
        if (Repository.Shared(name) is null)
            Skip = $"../shared/{name} is absent; it is not part of the repository.";
    }
}
