using System.Globalization;

namespace Tidemark.Bench.Pipeline;

/// <summary>
/// Processor seconds of processes and of the threads of one, by name, from /proc: what a thread used is known until it ends, so it is looked at several times
/// a second.
/// </summary>
internal sealed class CpuSampler(int host)
{
    private const double TicksPerSecond = 100;
    private readonly Dictionary<(int Process, int Thread), (string Name, double Seconds)> _threads = [];
    private readonly Dictionary<int, (string Name, double Seconds)> _processes = [];

    /// <summary>Looks once; a process that has ended keeps what was seen of it.</summary>
    public void Look(IReadOnlyDictionary<string, int> others)
    {
        Note(host, "host");
        foreach (var (name, id) in others)
            Note(id, name);
        foreach (var folder in Folders($"/proc/{host}/task"))
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var thread) && Read($"{folder}/stat") is { } read)
                _threads[(host, thread)] = read;
    }

    /// <summary>Seconds by process.</summary>
    public IReadOnlyDictionary<string, double> Processes => _processes.Values.ToDictionary(p => p.Name, p => p.Seconds);

    /// <summary>Seconds of the host's threads by name, most first.</summary>
    public IReadOnlyList<(string Name, double Seconds)> Threads =>
        [.. _threads.Values.GroupBy(t => Kind(t.Name)).Select(g => (g.Key, g.Sum(t => t.Seconds))).OrderByDescending(g => g.Item2)];

    private void Note(int process, string name)
    {
        if (Read($"/proc/{process}/stat") is { } read)
            _processes[process] = (name, read.Seconds);
    }

    // Threads of the Kafka client have the broker's number at their end.
    private static string Kind(string name) => name.StartsWith("rdk:", StringComparison.Ordinal) ? "librdkafka" : name;

    private static IEnumerable<string> Folders(string path)
    {
        try
        {
            return Directory.GetDirectories(path);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    // pid (name) state …: utime and stime are fields 14 and 15, counted from the pid.
    private static (string Name, double Seconds)? Read(string path)
    {
        try
        {
            var text = File.ReadAllText(path);
            var (open, close) = (text.IndexOf('('), text.LastIndexOf(')'));
            var fields = text[(close + 2)..].Split(' ');
            return (text[(open + 1)..close], (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
