using System.Text.Json;
using Microsoft.Azure.Functions.Worker;

namespace Tidemark.LocalHost.Timers;

/// <summary>Last and next run of each monitored timer, one small file per timer.</summary>
internal sealed class TimerStatusStore(string folder)
{
    public ScheduleStatus? Read(string timer)
    {
        try
        {
            return JsonSerializer.Deserialize<ScheduleStatus>(File.ReadAllBytes(Path(timer)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null; // Never run, or cut off by a crash: as if never run.
        }
    }

    public void Write(string timer, ScheduleStatus status)
    {
        Directory.CreateDirectory(folder);
        var path = Path(timer);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(status));
        File.Move(path + ".new", path, overwrite: true);
    }

    private string Path(string timer) => System.IO.Path.Combine(folder, timer + ".json");
}
