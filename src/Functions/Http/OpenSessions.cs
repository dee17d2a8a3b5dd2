using System.Text.Json;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;

namespace Tidemark.Functions.Http;

/// <summary>
/// The session of a user that has not closed, from the events in silver. State of sessions lies in entities that hold those of a whole partition, so it is
/// not read for one user. Looked at are the events of the last day before the frontier; what is not committed to Delta yet is not in it.
/// </summary>
public sealed class OpenSessions
{
    private const int MostEvents = 10_000;
    private static readonly TimeSpan Gap = TimeSpan.FromMinutes(30), Delay = TimeSpan.FromMinutes(10), Back = TimeSpan.FromDays(1);
    private static readonly string[] Viewing = ["view", "page_view"];
    private readonly LakeSource _lake;
    private readonly StatusSource _status;

    internal OpenSessions(LakeSource lake, StatusSource status) => (_lake, _status) = (lake, status);

    /// <summary>The open session; null where there is none.</summary>
    internal async Task<OpenSession?> FindAsync(string user, CancellationToken cancel)
    {
        if ((await _status.GetAsync(cancel)).Frontier is not { } frontier)
            return null;
        var schema = EventTables.Silver.Schema;
        var (at, of) = (schema.IndexOf("event_time"), schema.IndexOf("user_id"));
        var earliest = Micros(frontier - Back);
        var scan = await _lake.ScanAsync(
            EventTables.Silver.Name, new ScanFilter().EqualTo("user_id", user).Between("event_time", earliest, null),
            (rows, row) => ((Domain.Columns.Int64Column)rows.Columns[at]).Values[row] >= earliest && (string)rows.Value(row, of)! == user, MostEvents, cancel);
        var events = scan.Found.OrderByDescending(e => ((Domain.Columns.Int64Column)e.Rows.Columns[at]).Values[e.Row]).ToList();
        if (events.Count == 0 || Time(0) + Gap.Ticks / TimeSpan.TicksPerMicrosecond <= Micros(frontier - Delay))
            return null;
        var count = 1;
        while (count < events.Count && Time(count - 1) - Time(count) <= Gap.Ticks / TimeSpan.TicksPerMicrosecond)
            count++;
        var open = events.Take(count).Reverse().ToList();
        var bought = open.Where(e => Text(e, "event_type") == "purchase").ToList();
        return new OpenSession(
            At(Time(count - 1)), At(Time(0)), count, open.Select(e => Text(e, "page")).OfType<string>().Distinct().Count(), bought.Count,
            bought.Sum(e => (decimal?)e.Rows.Value(e.Row, "revenue") ?? 0),
            Products(open.Where(e => Viewing.Contains(Text(e, "event_type")))), Products(bought), scan.IsComplete && count < events.Count || scan.IsComplete && Time(count - 1) > earliest + Gap.Ticks / TimeSpan.TicksPerMicrosecond);

        long Time(int i) => ((Domain.Columns.Int64Column)events[i].Rows.Columns[at]).Values[events[i].Row];
    }

    private static string? Text((RowBatch Rows, int Row) e, string column) => e.Rows.Value(e.Row, column) as string;

    private static IReadOnlyList<string> Products(IEnumerable<(RowBatch Rows, int Row)> events) =>
        [.. events.Select(e => Text(e, "product_id")).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static long Micros(DateTimeOffset time) => (time.UtcDateTime - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static DateTimeOffset At(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);
}

/// <summary>A session that has not closed.</summary>
/// <param name="SessionStart">Its first event.</param>
/// <param name="LastEvent">Its last event so far.</param>
/// <param name="Events">Events so far.</param>
/// <param name="Pages">Different pages.</param>
/// <param name="Purchases">Purchases.</param>
/// <param name="Revenue">What they came to.</param>
/// <param name="Viewed">Products viewed, in order of their ids.</param>
/// <param name="Bought">Products bought.</param>
/// <param name="Complete">Whether its beginning was found; false where it reaches further back than was looked.</param>
internal sealed record OpenSession(
    DateTimeOffset SessionStart, DateTimeOffset LastEvent, long Events, long Pages, long Purchases, decimal Revenue, IReadOnlyList<string> Viewed, IReadOnlyList<string> Bought, bool Complete);
