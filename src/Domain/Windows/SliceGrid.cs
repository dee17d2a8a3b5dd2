namespace Tidemark.Domain.Windows;

/// <summary>
/// The arithmetic of windows [offset + k · slide, + size) and of the slices they are cut in, each as long as the greatest common divisor of size and
/// slide (and of the cuts of windows into parts): every window is a whole number of slices, and an event touches one slice. Milliseconds since 1970 UTC; floors, so that times before
/// 1970 are in the window that begins before them.
/// </summary>
internal readonly record struct SliceGrid
{
    public SliceGrid(long size, long slide, long offset, params ReadOnlySpan<long> cuts)
    {
        (Size, Slide) = (size, slide);
        Slice = Divisor(size, slide);
        foreach (var cut in cuts)
            Slice = Divisor(Slice, cut);
        Offset = offset - FloorDivide(offset, slide) * slide;
    }

    public long Size { get; }

    public long Slide { get; }

    public long Offset { get; }

    /// <summary>Length of a slice.</summary>
    public long Slice { get; }

    /// <summary>Start of the slice that a time is in.</summary>
    public long SliceOf(long time) => FloorDivide(time - Offset, Slice) * Slice + Offset;

    /// <summary>Whether a slice starts here.</summary>
    public bool IsSliceStart(long start) => (start - Offset) % Slice == 0;

    /// <summary>End of the earliest window that covers the slice.</summary>
    public long FirstEnd(long slice) => FloorDivide(slice - Size - Offset, Slide) * Slide + Offset + Slide + Size;

    /// <summary>End of the latest window that covers the slice.</summary>
    public long LastEnd(long slice) => FloorDivide(slice - Offset, Slide) * Slide + Offset + Size;

    /// <summary>End of the earliest window that covers the slice and is open at the watermark (end &gt; watermark), or null when all are closed.</summary>
    public long? FirstOpenEnd(long slice, long watermark)
    {
        var last = LastEnd(slice);
        if (last <= watermark)
            return null;
        var first = FirstEnd(slice);
        return first > watermark ? first : last - (last - watermark - 1) / Slide * Slide;
    }

    private static long Divisor(long a, long b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }

    public static long FloorDivide(long value, long divisor)
    {
        var quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }
}
