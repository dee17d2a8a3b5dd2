using System.Globalization;
using System.Text;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>
/// Which leaves of a file get statistics: those that `delta.dataSkippingStatsColumns` names; without it the first
/// `delta.dataSkippingNumIndexedCols` (32 by default, -1 for all).
/// </summary>
internal static class IndexedColumns
{
    public const string CountName = "delta.dataSkippingNumIndexedCols", NamesName = "delta.dataSkippingStatsColumns";
    private const int DefaultCount = 32;

    public static HashSet<WriteNode> Of(IReadOnlyList<WriteNode> leaves, IReadOnlyDictionary<string, string> configuration)
    {
        if (configuration.TryGetValue(NamesName, out var names))
        {
            var wanted = Parse(names);
            return [.. leaves.Where(leaf => wanted.Any(name => IsWithin(leaf, name)))];
        }

        var count = configuration.TryGetValue(CountName, out var text) && int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : DefaultCount;
        return count < 0 ? [.. leaves] : [.. leaves.Take(count)];
    }

    /// <summary>Every name must be a column that lies in the files, or a field of one.</summary>
    public static void CheckNames(string names, TableSchema schema, IReadOnlyList<string> partitionColumns)
    {
        foreach (var name in Parse(names))
        {
            if (partitionColumns.Contains(name[0], StringComparer.OrdinalIgnoreCase))
                throw new ArgumentException($"{NamesName} names partition column '{name[0]}', which has no statistics.");
            DataType type = new StructType(schema.Fields);
            foreach (var part in name)
            {
                type = (type as StructType)?.Fields.FirstOrDefault(f => string.Equals(f.Name, part, StringComparison.OrdinalIgnoreCase))?.Type
                    ?? throw new ArgumentException($"{NamesName} names '{string.Join('.', name)}', and the table has no such column.");
            }
        }
    }

    private static bool IsWithin(WriteNode leaf, string[] name)
    {
        if (leaf.Path.Length < name.Length) return false;
        for (var i = 0; i < name.Length; i++)
        {
            if (!string.Equals(leaf.Path[i], name[i], StringComparison.OrdinalIgnoreCase)) return false;
        }

        return true;
    }

    // Names stand between commas and their parts between dots; backticks hold what contains either.
    private static List<string[]> Parse(string names)
    {
        var found = new List<string[]>();
        var parts = new List<string>();
        var part = new StringBuilder();
        var quoted = false;
        foreach (var c in names + ",")
        {
            if (c == '`') quoted = !quoted;
            else if (quoted || c is not ('.' or ',')) part.Append(c);
            else
            {
                parts.Add(part.ToString().Trim());
                part.Clear();
                if (c == '.') continue;
                if (parts is not [""]) found.Add([.. parts]);
                parts.Clear();
            }
        }

        return found;
    }
}
