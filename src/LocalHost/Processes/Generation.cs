namespace Tidemark.LocalHost.Processes;

/// <summary>
/// Which version of the pipeline a data directory shows: what <c>swap</c> points to, in <c>generation.json</c>. Put in place by renaming, so whoever starts
/// sees one version or the other, whole.
/// </summary>
/// <param name="Version">PipelineVersion.</param>
/// <param name="Container">LakeContainer.</param>
/// <param name="First">The version that the directory began with, which is shown where there is no such file.</param>
internal sealed record Generation(string Version, string Container, FirstVersion? First = null)
{
    private const string FileName = "generation.json";

    /// <summary>The version that a directory shows; null = the one that it began with.</summary>
    public static Generation? Read(string folder) => StateFile.Read<Generation>(Path.Combine(folder, FileName));

    /// <summary>Makes the directory show this version.</summary>
    public void Write(string folder) => StateFile.Write(Path.Combine(folder, FileName), this);

    /// <summary>Makes the directory show the version again that it began with.</summary>
    public static void Forget(string folder) => File.Delete(Path.Combine(folder, FileName));

    /// <summary>The settings that name it.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Settings => [new("PipelineVersion", Version), new("LakeContainer", Container)];

    /// <summary>The entities of a version are in a file of their own, so that a replay can run beside the version that is shown.</summary>
    public static string EntitiesOf(Generation? generation) => generation is null ? "entities.db" : $"entities-{generation.Version}.db";
}

/// <summary>The version that a data directory began with, by its settings then.</summary>
internal sealed record FirstVersion(string Version, string Container);
