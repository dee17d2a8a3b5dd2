using System.Diagnostics;
using System.Text;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Telemetry;

/// <summary>
/// Spans of the functions: <c>process {topic}</c> for a batch (linked to the spans that its records' <c>traceparent</c> headers name), <c>tick</c>
/// (linked to the batches whose ranges it saw), <c>commit {table}</c> within it, <c>send {topic}</c> for a replay. Attributes are OpenTelemetry's
/// for messaging. Nobody listening costs nothing.
/// </summary>
internal static class TidemarkTrace
{
    /// <summary>Name of the source; the ledger's own spans come from <see cref="Domain.Ledger.LedgerTrace.Name"/>.</summary>
    public const string Name = "Tidemark";

    public const string Table = "tidemark.table";
    public const string Version = "tidemark.table.version";

    /// <summary>The header of a record that says which span sent it.</summary>
    public const string Header = "traceparent";

    private const int MostLinks = 128;

    public static readonly ActivitySource Source = new(Name);

    /// <summary>The span of a batch; null when nobody listens.</summary>
    public static Activity? Process(string topic, string group, IReadOnlyDictionary<int, IReadOnlyList<SourceRecord>> delivery)
    {
        if (!Source.HasListeners())
            return null;
        var links = Contexts(delivery.Values.SelectMany(records => records)).Select(context => new ActivityLink(context));
        var span = Source.StartActivity("process " + topic, ActivityKind.Consumer, default(ActivityContext), links: links);
        span?.SetTag("messaging.system", "kafka")
            .SetTag("messaging.operation.name", "process")
            .SetTag("messaging.operation.type", "process")
            .SetTag("messaging.destination.name", topic)
            .SetTag("messaging.consumer.group.name", group)
            .SetTag("messaging.batch.message_count", delivery.Values.Sum(records => records.Count));
        return span;
    }

    /// <summary>The different trace contexts that the records carry, at most 128; a header that is none is passed over.</summary>
    public static IEnumerable<ActivityContext> Contexts(IEnumerable<SourceRecord> records) => records
        .SelectMany(record => record.Headers)
        .Where(header => header.Value is { Length: > 0 and < 256 } && string.Equals(header.Key, Header, StringComparison.OrdinalIgnoreCase))
        .Select(header => Encoding.ASCII.GetString(header.Value!))
        .Distinct(StringComparer.Ordinal)
        .Select(text => ActivityContext.TryParse(text, null, isRemote: true, out var context) ? context : default)
        .Where(context => context != default)
        .Take(MostLinks);

    /// <summary>Links a tick to the batches that committed what it saw.</summary>
    public static void Link(Activity? tick, IEnumerable<string?> traces)
    {
        if (tick is null)
            return;
        foreach (var trace in traces.OfType<string>().Distinct(StringComparer.Ordinal).Take(MostLinks))
            if (ActivityContext.TryParse(trace, null, isRemote: true, out var context))
                tick.AddLink(new ActivityLink(context));
    }
}
