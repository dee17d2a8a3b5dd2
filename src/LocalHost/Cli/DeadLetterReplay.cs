using System.Globalization;
using System.Text.Json;
using Tidemark.Functions.Replay;
using Tidemark.LocalHost.Producing;

namespace Tidemark.LocalHost.Cli;

/// <summary>Sends the chosen records one after the other and tells how each ended.</summary>
internal sealed class DeadLetterReplay(QuarantineReader reader, Quarantine quarantine, ReaderPace? pace, TimeProvider time, TextWriter output, TextWriter errors)
{
    // An attempt that was killed is settled a minute after it began.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>Whether every chosen record is sent, now or before.</summary>
    public async Task<bool> RunAsync(DeadLetterFilter filter, int? limit, bool json, CancellationToken cancel)
    {
        var (chosen, cameBack) = await ChooseAsync(filter, cancel);
        var outcomes = new Dictionary<string, int>();
        foreach (var record in chosen)
        {
            if (outcomes.GetValueOrDefault("sent") >= limit)
                break;
            if (pace is not null && !await pace.RoomForAsync((record.Value?.Length ?? 0) + (record.Key?.Length ?? 0), () => { }, cancel))
            {
                errors.WriteLine("The emulator has no room for more that nobody reads; start a run and ask again for the rest.");
                outcomes["no room"] = 1;
                break;
            }

            var outcome = await SendAsync(record, cancel);
            outcomes[outcome.Outcome] = outcomes.GetValueOrDefault(outcome.Outcome) + 1;
            Tell(record, outcome, json);
        }

        foreach (var (partition, offset) in filter.Ids.Except(chosen.Select(r => (r.Partition, r.Offset))))
        {
            errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{partition}/{offset} is not in quarantine (or not of that reason or time)."));
            outcomes["missing"] = outcomes.GetValueOrDefault("missing") + 1;
        }

        if (cameBack > 0)
            errors.WriteLine($"{cameBack} records are replays that came back; they are sent again only when named by --id.");
        if (!json)
            output.WriteLine($"{outcomes.GetValueOrDefault("sent")} sent, {outcomes.GetValueOrDefault("already")} sent before, {outcomes.Where(o => o.Key is not ("sent" or "already")).Sum(o => o.Value)} not sent");
        return outcomes.Keys.All(outcome => outcome is "sent" or "already");
    }

    /// <summary>The records, in the order of the topic; those already sent are left out where they were not named.</summary>
    private async Task<(List<QuarantinedRecord> Chosen, int CameBack)> ChooseAsync(DeadLetterFilter filter, CancellationToken cancel)
    {
        var known = await quarantine.Replays.ListAsync(cancel);
        var chosen = new List<QuarantinedRecord>();
        var cameBack = 0;
        await foreach (var record in reader.ReadAsync(quarantine.Table, filter.Since, cancel))
        {
            if (!filter.Takes(record))
                continue;
            if (filter.Ids.Count == 0 && record.Headers.Any(h => h.Name == QuarantineReplay.Header))
                cameBack++;
            else if (filter.Ids.Count > 0 || known.GetValueOrDefault((record.Partition, record.Offset))?.SentAs is null)
                chosen.Add(record);
        }

        return ([.. chosen.OrderBy(r => r.Partition).ThenBy(r => r.Offset)], cameBack);
    }

    /// <summary>Waits for an attempt that another began, until it is settled.</summary>
    private async Task<ReplayOutcome> SendAsync(QuarantinedRecord record, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        var told = false;
        while (true)
        {
            var outcome = await quarantine.Replay.ReplayAsync(record, cancel);
            if (outcome.Outcome != "busy" || time.GetElapsedTime(began) > Patience)
                return outcome;
            if (!told)
                errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{record.Partition}/{record.Offset}: an earlier attempt is not settled yet; waiting for it."));
            told = true;
            await Task.Delay(Pause, time, cancel);
        }
    }

    private void Tell(QuarantinedRecord record, ReplayOutcome outcome, bool json) => output.WriteLine(json
        ? JsonSerializer.Serialize(new { id = string.Create(CultureInfo.InvariantCulture, $"{record.Partition}/{record.Offset}"), reason = record.Reason, outcome = outcome.Outcome, sent_as = outcome.SentAs, text = outcome.Text })
        : string.Create(CultureInfo.InvariantCulture, $"{record.Partition}/{record.Offset}  {record.Reason}  {outcome.Outcome}: {outcome.Text}"));
}
