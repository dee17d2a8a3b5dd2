using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Windows;

/// <summary>What a watermark leaves of the windows that cover one slice.</summary>
/// <param name="Start">Start of the slice, ms.</param>
/// <param name="FirstEnd">End of the earliest open window; null when all are closed.</param>
/// <param name="LastMissedEnd">End of the latest closed window.</param>
/// <param name="Missed">Number of closed windows.</param>
/// <param name="Counted">Number of open windows.</param>
internal readonly record struct SliceWindows(long Start, long? FirstEnd, long LastMissedEnd, int Missed, int Counted)
{
    public static SliceWindows Judge(SliceGrid grid, long slice, long watermark)
    {
        long first = grid.FirstEnd(slice), last = grid.LastEnd(slice);
        var all = (int)((last - first) / grid.Slide) + 1;
        if (grid.FirstOpenEnd(slice, watermark) is not { } open)
            return new(slice, null, last, all, 0);
        var missed = (int)((open - first) / grid.Slide);
        return new(slice, open, open - grid.Slide, missed, all - missed);
    }
}

/// <summary>Rows of a batch that missed a window of a query.</summary>
internal sealed class LateRows
{
    /// <summary>Row and what it missed, in row order.</summary>
    public List<(int Row, SliceWindows Windows)> Rows { get; } = [];

    public void Add(int row, SliceWindows windows) => Rows.Add((row, windows));
}
