using System.Globalization;
using NCrontab;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Timers;

/// <summary>When a timer fires: an NCRONTAB expression of five or six fields (with seconds) in UTC, or a time span between runs.</summary>
internal sealed class TimerSchedule
{
    private readonly CrontabSchedule? cron;
    private readonly TimeSpan interval;

    private TimerSchedule(CrontabSchedule? cron, TimeSpan interval)
    {
        this.cron = cron;
        this.interval = interval;
    }

    /// <exception cref="SettingException">Neither form.</exception>
    public static TimerSchedule Parse(string text, string where)
    {
        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        if (fields is 5 or 6)
        {
            var cron = CrontabSchedule.TryParse(text, new CrontabSchedule.ParseOptions { IncludingSeconds = fields == 6 });
            if (cron is not null)
                return new TimerSchedule(cron, default);
        }
        else if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) && span > TimeSpan.Zero)
        {
            return new TimerSchedule(null, span);
        }

        throw new SettingException($"{where}: '{text}' is no schedule; write six fields such as '*/5 * * * * *' (every five seconds), or a time span.");
    }

    /// <summary>First time after the given one, UTC.</summary>
    public DateTime Next(DateTime after) => cron?.GetNextOccurrence(after) ?? after + interval;

    /// <summary>Whether runs are at least a minute apart; only then is a missed run made up for after a restart, as in the real host.</summary>
    public bool IsMonitored(DateTime now)
    {
        var first = Next(now);
        return Next(first) - first >= TimeSpan.FromMinutes(1);
    }
}
