using System.Text.Json;
using Tidemark.Delta;

namespace Tidemark.Functions.Lake;

/// <summary>The files that one attempt staged for one table, as the text that the ledger keeps: all that a commit needs to add them.</summary>
internal static class StagedFiles
{
    public static string Describe(IReadOnlyList<DataFile> files) => JsonSerializer.Serialize(files);

    public static IReadOnlyList<DataFile> Parse(string description) => JsonSerializer.Deserialize<List<DataFile>>(description)
        ?? throw new InvalidDataException("A staged file has no description; the ledger was damaged.");
}
