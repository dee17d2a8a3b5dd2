using Tidemark.LocalHost.Cli;

namespace Tidemark.LocalHost.Tests.Cli;

public sealed class ScreenTests
{
    [Fact]
    public void On_a_terminal_the_block_is_drawn_in_its_place_and_lines_come_above_it()
    {
        var written = new StringWriter { NewLine = "\n" };
        var screen = new Screen(written, () => 80);
        screen.WriteLine("first");
        screen.Draw(["a 1", "b 1"]);
        screen.WriteLine("second");
        screen.Draw(["a 2", "b 2", "c 2"]);
        using (var log = screen.Lines())
            log.WriteLine("warning");
        screen.Draw(["a 3"]);
        screen.Keep();
        screen.WriteLine("last");
        Assert.Equal(["first", "second", "warning", "a 3", "last"], Shown(written.ToString()));
    }

    [Fact]
    public void Elsewhere_there_are_plain_lines_only()
    {
        var written = new StringWriter { NewLine = "\n" };
        var screen = new Screen(written, null);
        screen.Draw(["a 1"]);
        screen.WriteLine("first");
        screen.Draw(["a 2"]);
        Assert.Equal("first\n", written.ToString());
    }

    /// <summary>What a terminal shows in the end: it knows line feeds, "cursor up n" and "erase to the end".</summary>
    private static List<string> Shown(string written)
    {
        var lines = new List<string> { "" };
        var row = 0;
        for (var i = 0; i < written.Length; i++)
        {
            if (written[i] == '\n')
            {
                if (++row == lines.Count)
                    lines.Add("");
            }
            else if (written[i] == '\u001b')
            {
                var end = written.IndexOfAny(['A', 'J'], i);
                if (written[end] == 'A')
                    row -= int.Parse(written[(i + 2)..end], System.Globalization.CultureInfo.InvariantCulture);
                else
                {
                    lines.RemoveRange(row, lines.Count - row);
                    lines.Insert(row, "");
                }

                i = end;
            }
            else if (written[i] != '\r')
            {
                lines[row] += written[i];
            }
        }

        return [.. lines.Where(l => l.Length > 0)];
    }
}
