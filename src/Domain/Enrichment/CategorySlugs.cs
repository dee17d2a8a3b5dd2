using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Enrichment;

/// <summary>Labels as parts of paths, few of them: those that most rows have come by their own.</summary>
internal static class CategorySlugs
{
    /// <summary>Slugs that there are at most, <see cref="Other"/> and <see cref="None"/> included.</summary>
    public const int Most = 32;

    public const string Other = "other";

    public const string None = "none";

    /// <summary>Of each label.</summary>
    public static string[] Of(StringTable labels, int[] labelOf)
    {
        var sizes = new int[labels.Count];
        foreach (var label in labelOf)
            sizes[label]++;
        var taken = new HashSet<string>(StringComparer.Ordinal) { Other, None };
        var result = new string[labels.Count];
        var order = Enumerable.Range(0, labels.Count).OrderByDescending(c => sizes[c]).ThenBy(c => Encoding.UTF8.GetString(labels[c]), StringComparer.Ordinal);
        foreach (var label in order)
        {
            var slug = SlugOf(Encoding.UTF8.GetString(labels[label]));
            result[label] = taken.Contains(slug) ? slug : taken.Count < Most ? slug : Other;
            taken.Add(result[label]);
        }
        return result;
    }

    /// <summary>Letters and digits of ASCII in lower case, all else as single hyphens; at most 40 characters.</summary>
    private static string SlugOf(string label)
    {
        var slug = new StringBuilder();
        foreach (var c in label.ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(c))
                slug.Append(c);
            else if (slug.Length > 0 && slug[^1] != '-')
                slug.Append('-');
            if (slug.Length == 40)
                break;
        }
        var text = slug.ToString().Trim('-');
        return text.Length > 0 ? text : label.Length == 0 ? None : Other;
    }
}
