using System.Text;

namespace Tidemark.PowerBi;

/// <summary>The calendar.</summary>
internal static class DateTable
{
    public const string Name = "Date";

    public static string Text()
    {
        var text = new StringBuilder("/// The calendar, UTC.\ntable Date\n\tdataCategory: Time\n");
        text.Append("\n\tcolumn Date\n\t\tdataType: dateTime\n\t\tisKey\n\t\tformatString: yyyy-mm-dd\n\t\tisNameInferred\n\t\tsummarizeBy: none\n\t\tsourceColumn: [Date]\n");
        Tmdl.Column(text, "Year", "int64", "0", source: "[Year]");
        Tmdl.Column(text, "Month", "string", null, source: "[Month]");
        Tmdl.Column(text, "Weekday", "string", null, source: "[Weekday]");
        text.Append("\n\tpartition Date = calculated\n\t\tmode: import\n");
        Tmdl.Block(text, "source", "ADDCOLUMNS(\n    CALENDAR(DATE(2020, 1, 1), DATE(YEAR(TODAY()) + 1, 12, 31)),\n    \"Year\", YEAR([Date]),\n    \"Month\", FORMAT([Date], \"yyyy-MM\"),\n    \"Weekday\", FORMAT([Date], \"ddd\")\n)");
        return text.ToString();
    }
}
