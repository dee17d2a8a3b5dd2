using System.Globalization;

namespace Tidemark.LocalHost.Cli;

/// <summary>
/// Where a run writes: lines, one after the other; and on a terminal below them a block that is drawn anew in its place. Thread-safe.
/// </summary>
internal sealed class Screen
{
    private readonly Lock gate = new();
    private readonly TextWriter output;
    private readonly Func<int>? width;
    private int drawn;

    /// <param name="output">Where it goes.</param>
    /// <param name="width">Columns of the terminal; null when it is none.</param>
    public Screen(TextWriter output, Func<int>? width) => (this.output, this.width) = (output, width);

    /// <summary>Whether there is a terminal that can draw a block.</summary>
    public bool IsTerminal => width is not null;

    public int Width => Math.Max(width?.Invoke() ?? 80, 20);

    /// <summary>Standard output: a terminal unless it is redirected or says that it is dumb.</summary>
    public static Screen Of(TextWriter output) => new(
        output,
        !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb" ? static () => Console.WindowWidth : null);

    /// <summary>Writes a line above the block.</summary>
    public void WriteLine(string line)
    {
        lock (gate)
        {
            Erase();
            output.WriteLine(line);
            output.Flush();
        }
    }

    /// <summary>Draws the block in place of the last one; nothing where there is no terminal.</summary>
    public void Draw(IReadOnlyList<string> lines)
    {
        if (!IsTerminal)
            return;
        lock (gate)
        {
            Erase();
            foreach (var line in lines)
                output.WriteLine(line);
            drawn = lines.Count;
            output.Flush();
        }
    }

    /// <summary>Leaves the block as it is: what follows comes below it.</summary>
    public void Keep()
    {
        lock (gate)
            drawn = 0;
    }

    /// <summary>A writer whose lines come above the block, for what would else write across it.</summary>
    public TextWriter Lines() => new LineWriter(this);

    // Up to the block's first line, then everything from there to the end of the screen goes.
    private void Erase()
    {
        if (drawn > 0)
            output.Write(string.Create(CultureInfo.InvariantCulture, $"\u001b[{drawn}A\r\u001b[J"));
        drawn = 0;
    }

    private sealed class LineWriter(Screen screen) : TextWriter
    {
        private readonly System.Text.StringBuilder line = new();

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value)
        {
            if (value == '\n')
            {
                screen.WriteLine(line.ToString().TrimEnd('\r'));
                line.Clear();
            }
            else
            {
                line.Append(value);
            }
        }
    }
}
