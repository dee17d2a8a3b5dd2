namespace Tidemark.LocalHost.Cli;

/// <summary>
/// Which lines of a log are worth reading: one that was there within the last minute is not, and a failure is told by its message, whoever meets it and however often: a
/// function that is tried again each second would say the same each second. Not thread-safe.
/// </summary>
/// <param name="time">Clock.</param>
/// <param name="isToldElsewhere">Failures that are never worth a line.</param>
internal sealed class RecentLines(TimeProvider time, Predicate<Exception>? isToldElsewhere = null)
{
    private const int Most = 1000;
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, long> written = [];

    /// <summary>Whether the line is to be written; it then counts as written.</summary>
    public bool IsNew(string text, Exception? exception)
    {
        if (exception is not null && isToldElsewhere?.Invoke(exception) == true)
            return false;
        var key = exception?.Message ?? text;
        if (written.TryGetValue(key, out var at) && time.GetElapsedTime(at) < Quiet)
            return false;
        if (written.Count >= Most)
            written.Clear();
        written[key] = time.GetTimestamp();
        return true;
    }
}
