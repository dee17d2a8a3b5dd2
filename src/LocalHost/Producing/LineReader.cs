using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// Lines of a file, packed by gzip or not, whatever it is called: bytes between line feeds, without a carriage return at the end and without a byte order
/// mark. Blank lines are counted and skipped. <c>-</c> reads standard input.
/// </summary>
internal sealed class LineReader : IDisposable
{
    /// <summary>Longest line in bytes; a record larger than this fits no topic.</summary>
    public const int MaxLength = 4 * 1024 * 1024;

    private readonly string source;
    private readonly Stream stream;
    private byte[] buffer = new byte[1 << 20];
    private int start;
    private int end;
    private bool ended;

    /// <param name="path">The file, or <c>-</c>.</param>
    /// <param name="option">The option that named it, for messages.</param>
    /// <exception cref="SettingException">The file cannot be opened.</exception>
    public LineReader(string path, string option = "--input ")
    {
        source = path == "-" ? "Standard input" : option + path;
        if (path == "-")
        {
            stream = Console.OpenStandardInput();
            return;
        }

        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            stream = IsPacked(file) ? new GzipFile(file) : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"{source} cannot be read: {e.Message}");
        }
    }

    /// <summary>Number of the last line read, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>The next line that is not blank; valid until the next call.</summary>
    /// <exception cref="SettingException">A line is too long, or the file is damaged.</exception>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (TryReadAny(out line))
        {
            Line++;
            if (Line == 1 && line.StartsWith("\uFEFF"u8))
                line = line[3..];
            if (line.EndsWith((byte)'\r'))
                line = line[..^1];
            if (!line.Trim(" \t"u8).IsEmpty)
                return true;
        }

        return false;
    }

    public void Dispose() => stream.Dispose();

    private static bool IsPacked(FileStream file)
    {
        if (!file.CanSeek)
            return false;
        Span<byte> magic = stackalloc byte[GzipFile.Magic.Length];
        var read = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return magic[..read].SequenceEqual(GzipFile.Magic);
    }

    private bool TryReadAny(out ReadOnlySpan<byte> line)
    {
        var searched = 0;
        while (true)
        {
            var available = buffer.AsSpan(start, end - start);
            var length = available[searched..].IndexOf((byte)'\n');
            if (length >= 0 || (ended && available.Length > 0))
            {
                length = length >= 0 ? length + searched : available.Length;
                line = available[..length];
                start = Math.Min(end, start + length + 1);
                return true;
            }

            if (ended)
            {
                line = default;
                return false;
            }

            searched = available.Length;
            Fill();
        }
    }

    private void Fill()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }

        if (end > MaxLength)
            throw new SettingException($"{source}: line {Line + 1} is longer than {MaxLength / 1024 / 1024} MB; take it out or split it.");
        if (end == buffer.Length)
            Array.Resize(ref buffer, buffer.Length * 2);
        try
        {
            var read = stream.Read(buffer, end, buffer.Length - end);
            ended = read == 0;
            end += read;
        }
        catch (InvalidDataException e)
        {
            throw new SettingException($"{source} is damaged after line {Line}: {e.Message}; mend it or pack it anew.");
        }
        catch (IOException e)
        {
            throw new SettingException($"{source} cannot be read further than line {Line}: {e.Message}");
        }
    }
}
