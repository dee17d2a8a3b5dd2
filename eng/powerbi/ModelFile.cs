using System.Text;

namespace Tidemark.PowerBi;

/// <summary>model.tmdl: the list of tables.</summary>
internal static class ModelFile
{
    public static string Text(IReadOnlyList<string> tables)
    {
        var text = new StringBuilder("model Model\n\tculture: en-US\n\tdefaultPowerBIDataSourceVersion: powerBI_V3\n\tdiscourageImplicitMeasures\n\tsourceQueryCulture: en-US\n\tdataAccessOptions\n\t\tlegacyRedirects\n\t\treturnErrorValuesAsNull\n\nannotation __PBI_TimeIntelligenceEnabled = 0\n\n");
        foreach (var table in tables)
            text.Append($"ref table {Tmdl.Quote(table)}\n");
        return text.ToString();
    }
}
