using System.Collections.Concurrent;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Status;

/// <summary>
/// Alerts as log lines and as rows <c>{name}|{subject}</c> of partition <c>{id}|alerts</c> in the ledger's table. The same alert again refreshes its
/// row, at most once a minute unless its text changed.
/// </summary>
internal sealed class TableAlerts(PipelineId id, TableClient table, TimeProvider time, ILogger<TableAlerts> logger) : IAlerts
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ActiveFor = TimeSpan.FromMinutes(10);
    private readonly ConcurrentDictionary<(string Name, string Subject), AlertStatus> _known = new();
    private bool _isLoaded;

    private string Partition => id.Key + "|alerts";

    public async Task RaiseAsync(string name, string subject, string text, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var known = _known.GetValueOrDefault((name, subject));
        if (known is not null && known.Text == text && now - known.LastAt < Quiet)
            return;
        logger.LogError("Alert {Name} on {Subject}: {Text}", name, subject, text);
        var alert = new AlertStatus(name, subject, text, known is { Active: true } && now - known.LastAt < ActiveFor ? known.RaisedAt : now, now, true);
        _known[(name, subject)] = alert;
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
    }

    /// <summary>Every alert ever raised, the latest first, at most 50. Reads the table once, then knows.</summary>
    public async Task<IReadOnlyList<AlertStatus>> ListAsync(CancellationToken cancel)
    {
        if (!_isLoaded)
        {
            await foreach (var row in table.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {Partition}"), cancellationToken: cancel))
            {
                var alert = new AlertStatus(
                    row.GetString("Name") ?? "", row.GetString("Subject") ?? "", row.GetString("Text") ?? "",
                    row.GetDateTimeOffset("RaisedAt") ?? default, row.GetDateTimeOffset("LastAt") ?? default, false);
                _known.TryAdd((alert.Name, alert.Subject), alert);
            }

            _isLoaded = true;
        }

        var now = time.GetUtcNow();
        return [.. _known.Values.OrderByDescending(a => a.LastAt).Take(50).Select(a => a with { Active = now - a.LastAt < ActiveFor })];
    }
}
