using System.Globalization;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Producing;

/// <summary>The files that were read to their end into a topic, in a file beside the input's progress, so that none is read again by accident. The newest 10,000 are kept.</summary>
/// <param name="path">The file.</param>
internal sealed class FinishedInputs(string path)
{
    private const int Most = 10_000;
    private List<InputFile> finished = StateFile.Read<List<InputFile>>(path) ?? [];

    /// <summary>Of these files, those that were not read before and do not come twice; says which are left out.</summary>
    public IReadOnlyList<InputFile> NotIn(IReadOnlyList<InputFile> files, Action<string> tell)
    {
        List<InputFile> left = [];
        foreach (var file in files)
        {
            if (finished.Find(file.IsSameAs) is { } before)
                tell($"--input {file.Path} is not read again: its content was read before{From(file, before)}{Lines(before)}; --again reads it again.");
            else if (left.FindIndex(other => other.Fingerprint == file.Fingerprint && file.IsSameAs(other.WithContent())) is >= 0 and var twin)
                tell($"--input {file.Path} is read once: it has the content of {left[twin].Path}; --again reads both.");
            else
                left.Add(file);
        }

        return left;
    }

    /// <summary>Notes down files that were read to their end; those that are known already stay as they are.</summary>
    public void Add(IReadOnlyList<InputFile> files)
    {
        var added = files.Where(file => !finished.Exists(known => known.Path == file.Path && known.Fingerprint == file.Fingerprint && known.Modified == file.Modified)).ToList();
        if (added.Count == 0)
            return;
        finished = [.. finished.Concat(added.Select(Whole)).TakeLast(Most)];
        StateFile.Write(path, finished);
    }

    /// <summary>With the hash of all of it, as long as the file is the one that was read.</summary>
    private static InputFile Whole(InputFile file) =>
        file.Modified is { } modified && File.Exists(file.Path) && File.GetLastWriteTimeUtc(file.Path) == modified ? file.WithContent() : file;

    private static string From(InputFile file, InputFile before) => file.Path == before.Path ? "" : $" from {before.Path}";

    private static string Lines(InputFile before) => before.Lines == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({before.Lines:N0} line{(before.Lines == 1 ? "" : "s")})");
}
