using System.Diagnostics;

namespace Tidemark.Storage;

/// <summary>What a piece of work took: by the clock, and of the processor by all threads of its process, which other load on the machine distorts less.</summary>
internal readonly record struct Cost(double Seconds, double Processor)
{
    public static readonly Cost Worst = new(double.MaxValue, double.MaxValue);

    public Cost Best(Cost other) => new(Math.Min(Seconds, other.Seconds), Math.Min(Processor, other.Processor));

    public static Cost Of(Action act)
    {
        var processor = Environment.CpuUsage.TotalTime;
        var start = Stopwatch.GetTimestamp();
        act();
        return new Cost(Stopwatch.GetElapsedTime(start).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
    }
}
