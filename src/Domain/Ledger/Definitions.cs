using System.Globalization;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>What the ledger keeps of a query's or stream's definition, so that state of another one is never read as this one's.</summary>
/// <param name="Fingerprint">Hash of the definition.</param>
/// <param name="SizeMs">Least window length that it has had; 0 for a stream.</param>
/// <param name="FromEvents">
/// The definition was changed or added while the pipeline had state: its state is not what entities hold but is computed from the table of events, below the
/// first open range, and from the rows of open ranges. So it stays for this version of the pipeline.
/// </param>
/// <param name="FromMs">An added query begins with windows that end after this, ms; null = with all that are not in its table.</param>
public sealed record DefinitionRow(string Fingerprint, long SizeMs, bool FromEvents, long? FromMs);

/// <summary>
/// Compares the program's definitions with those that the ledger's state was made by, once, when a process first reads it, and takes over: by compare-and-set
/// on meta, so that all ticks agree. A process whose definitions another has replaced since stands.
/// </summary>
internal sealed class Definitions(IPipeline pipeline, ILedger ledger)
{
    private bool _areSettled;
    private List<string> _changes = [];

    /// <summary>The definitions of this program, as a pipeline without state begins with them; null where a pipeline cannot compute from events.</summary>
    public static IReadOnlyDictionary<string, DefinitionRow>? Of(IPipeline pipeline) => pipeline is not IRecounting recounting ? null :
        pipeline.Queries.Select(q => (q.Name, Row: new DefinitionRow(Text(recounting.FingerprintOf(q.Name)), q.SizeMs, false, null)))
            .Concat(pipeline.Streams.Select(s => (s.Name, Row: new DefinitionRow(Text(recounting.FingerprintOf(s.Name)), 0, false, null))))
            .ToDictionary(d => d.Name, d => d.Row);

    /// <summary>What was taken over, in words; once.</summary>
    public IReadOnlyList<string> TakeChanges() => Interlocked.Exchange(ref _changes, []);

    /// <summary>Meta with this program's definitions.</summary>
    /// <exception cref="InvalidOperationException">A stream was changed, or another program has taken over.</exception>
    public async Task<VersionedMeta> SettleAsync(VersionedMeta meta, CancellationToken cancel)
    {
        if (Of(pipeline) is not { } mine || Same(meta.Value.Definitions, mine))
        {
            _areSettled = true;
            return meta;
        }

        if (_areSettled)
            throw new InvalidOperationException("Another program with other queries has taken over this pipeline; stop this one, or give it a PipelineVersion of its own.");
        var changes = new List<string>();
        var rows = Next(meta.Value, mine, changes);
        var taken = meta.Value with { Definitions = rows };
        if (await ledger.TryWriteMetaAsync(taken, meta.ETag, cancel) is not { } etag)
            throw new CompetingTickException("Meta changed while this program's definitions were being written to it.");
        (_areSettled, _changes) = (true, changes);
        return new VersionedMeta(taken, etag);
    }

    private Dictionary<string, DefinitionRow> Next(Meta meta, IReadOnlyDictionary<string, DefinitionRow> mine, List<string> changes)
    {
        var known = meta.Definitions;
        if (known is null)
            changes.Add("It is not noted by which definitions the state of this pipeline was made: open windows are counted anew from the events that are there.");
        var next = new Dictionary<string, DefinitionRow>();
        foreach (var query in pipeline.Queries)
        {
            var row = mine[query.Name];
            if (known is null)
            {
                next[query.Name] = row with { FromEvents = true };
            }
            else if (!known.TryGetValue(query.Name, out var there))
            {
                var from = meta.FrontierMs - query.DelayMs;
                next[query.Name] = row with { FromEvents = true, FromMs = from };
                changes.Add($"Query {query.Name} is new: it begins with windows that end after {(from is { } ms ? Time(ms) : "the first event")}, counted from the events that are there.");
            }
            else if (there.Fingerprint != row.Fingerprint)
            {
                next[query.Name] = row with { SizeMs = Math.Min(row.SizeMs, there.SizeMs), FromEvents = true, FromMs = there.FromMs };
                changes.Add($"Query {query.Name} has another definition than before: its open windows are counted anew from the events that are there; closed ones keep their rows (./run windows reopen --all computes them again).");
            }
            else
            {
                next[query.Name] = there;
            }
        }

        foreach (var stream in pipeline.Streams)
        {
            if (known is not null && known.TryGetValue(stream.Name, out var there) && there.Fingerprint != mine[stream.Name].Fingerprint)
                throw new InvalidOperationException(
                    $"Stream {stream.Name} has another definition than the state of this pipeline was made by, and that state cannot be read: run the earlier program, "
                    + "give the stream another name, or compute everything anew under a new PipelineVersion (./run replay).");
            if (known is not null && !known.ContainsKey(stream.Name))
                changes.Add($"Stream {stream.Name} is new: it begins with {(stream.IsChained ? $"the rows of {stream.Source}" : "the events that come")}.");
            next[stream.Name] = mine[stream.Name];
        }

        foreach (var name in known?.Keys.Except(next.Keys).Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>())
            changes.Add($"{name} is no longer among the queries and streams: its state is dropped, its tables stay as they are.");
        return next;
    }

    private static bool Same(IReadOnlyDictionary<string, DefinitionRow>? there, IReadOnlyDictionary<string, DefinitionRow> mine) =>
        there is not null && there.Count == mine.Count && mine.All(d => there.TryGetValue(d.Key, out var row) && row.Fingerprint == d.Value.Fingerprint);

    private static string Text(ulong fingerprint) => fingerprint.ToString("x16", CultureInfo.InvariantCulture);

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(ms, -62_135_596_800_000, 253_402_300_799_999)).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
