using System.Collections.Concurrent;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Status;

/// <summary>
/// Alerts as log lines and as rows <c>{name}|{subject}</c> of partition <c>{id}|alerts</c> in the ledger's table. The same alert again refreshes its
/// row and log line, at most once a minute; in between the newest text is known to this process. What other processes raise is known within half a minute.
/// </summary>
internal sealed class TableAlerts(PipelineId id, TableClient table, TimeProvider time, ILogger<TableAlerts> logger) : IAlerts
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan UnknownHolds = TimeSpan.FromMinutes(10);
    private readonly ConcurrentDictionary<(string Name, string Subject), AlertStatus> _known = new();
    private readonly ConcurrentDictionary<(string Name, string Subject), DateTimeOffset> _written = new();
    private static readonly TimeSpan Reread = TimeSpan.FromSeconds(30);
    private DateTimeOffset _readAt;

    private string Partition => id.Key + "|alerts";

    public async Task RaiseAsync(string name, string subject, string text, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var known = _known.GetValueOrDefault((name, subject));
        var alert = new AlertStatus(name, subject, text, known is { IsWithdrawn: false } && now - known.LastAt < Holds(name) ? known.RaisedAt : now, now, true);
        _known[(name, subject)] = alert;
        if (_written.TryGetValue((name, subject), out var written) && now - written < Quiet && known is not null)
            return;
        logger.Log(Level(name), "Alert {Name} ({Severity}) on {Subject}: {Text}", name, alert.Severity, subject, text);
        await table.UpsertEntityAsync(
            new TableEntity(Partition, TableKeys.Escape(name) + "|" + TableKeys.Escape(subject))
            {
                ["Name"] = name,
                ["Subject"] = subject,
                ["Text"] = text.Length <= 30_000 ? text : text[..30_000],
                ["RaisedAt"] = alert.RaisedAt.UtcDateTime,
                ["LastAt"] = now.UtcDateTime,
            },
            TableUpdateMode.Replace,
            cancel);
        _written[(name, subject)] = now;
    }

    public async Task WithdrawAsync(string name, string subject, CancellationToken cancel)
    {
        if (!_written.TryRemove((name, subject), out _))
            return;
        _known[(name, subject)] = _known[(name, subject)] with { IsWithdrawn = true };
        logger.LogInformation("Alert {Name} on {Subject} is withdrawn.", name, subject);
        await table.UpsertEntityAsync(
            new TableEntity(Partition, TableKeys.Escape(name) + "|" + TableKeys.Escape(subject)) { ["Withdrawn"] = true }, TableUpdateMode.Merge, cancel);
    }

    /// <summary>Every alert ever raised, the latest first, at most 50.</summary>
    public async Task<IReadOnlyList<AlertStatus>> ListAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (now - _readAt >= Reread)
        {
            await foreach (var row in table.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {Partition}"), cancellationToken: cancel))
            {
                var alert = new AlertStatus(
                    row.GetString("Name") ?? "", row.GetString("Subject") ?? "", row.GetString("Text") ?? "",
                    row.GetDateTimeOffset("RaisedAt") ?? default, row.GetDateTimeOffset("LastAt") ?? default, false) { IsWithdrawn = row.GetBoolean("Withdrawn") ?? false };
                _known.AddOrUpdate((alert.Name, alert.Subject), alert, (_, known) => known.LastAt < alert.LastAt || (known.LastAt == alert.LastAt && alert.IsWithdrawn) ? alert : known);
            }

            _readAt = now;
        }

        return [.. _known.Values.OrderByDescending(a => a.LastAt).Take(50).Select(a => a with { Active = !a.IsWithdrawn && now - a.LastAt < Holds(a.Name) })];
    }

    private static TimeSpan Holds(string name) => AlertRule.Find(name)?.Holds ?? UnknownHolds;

    private static LogLevel Level(string name) => AlertRule.Find(name)?.Severity switch
    {
        AlertSeverity.Warning => LogLevel.Warning,
        AlertSeverity.Informational => LogLevel.Information,
        _ => LogLevel.Error,
    };
}
