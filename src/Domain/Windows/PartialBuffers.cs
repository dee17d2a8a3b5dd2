using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Windows;

/// <summary>Memory of the partials of one segment, used again for the next.</summary>
internal sealed class PartialBuffers
{
    private readonly List<ByteWriter> writers = [];
    private int used;

    /// <summary>An empty writer; it is taken back by <see cref="Reset"/>.</summary>
    public ByteWriter Next()
    {
        if (used == writers.Count)
            writers.Add(new ByteWriter());
        var writer = writers[used++];
        writer.Clear();
        return writer;
    }

    /// <summary>Takes all writers back: what was written is not valid any more.</summary>
    public void Reset() => used = 0;
}
