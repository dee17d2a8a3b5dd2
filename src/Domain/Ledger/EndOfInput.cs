using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>What the end of a bounded input means for event time.</summary>
internal static class EndOfInput
{
    /// <summary>
    /// The least frontier at which everything that can hold the newest event is out: the last window of each query that it is in, the session that it would
    /// be in, what follows from these. Not further, so that input which comes after all is late only where a window really closed.
    /// </summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="newestMs">Greatest event time, ms.</param>
    public static long FrontierMs(IPipeline pipeline, long newestMs)
    {
        var outBy = pipeline.Queries.ToDictionary(q => TableNames.Gold(q.Name), q => q.LastEndMs(newestMs) + q.DelayMs);
        foreach (var stream in pipeline.Streams)
            outBy[TableNames.Gold(stream.Name)] = (stream.IsChained ? outBy[stream.Source] : newestMs) + stream.HorizonMs;
        return outBy.Values.Append(newestMs).Max();
    }
}
