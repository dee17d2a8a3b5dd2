using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Scoring;

/// <summary>
/// A model that gives rows a score, such as how likely a purchase is fraud. It is called with batches of columns, on the path of events.
/// <para><b>Pure.</b> A row's score follows from that row and the model's version alone: no clock, no I/O, no randomness, nothing remembered between calls. Ranges are
/// folded again after a crash or on another machine and must give the same. Whatever changes a score changes <see cref="Version"/>.</para>
/// <para><b>Failure.</b> What <see cref="Score"/> throws loses no row: it is asked for each row by itself, and those that fail have no score, the reason in
/// <c>model_error</c>. There is no time-out, since a clock would decide what comes out; slow calls are alerted.</para>
/// <para><b>Threads.</b> Called by several threads at once.</para>
/// </summary>
public interface IScorer
{
    /// <summary>Name of the model; with the version it stands beside every score, as <c>name/version</c>.</summary>
    string Name { get; }

    /// <summary>Version of the model.</summary>
    string Version { get; }

    /// <summary>Purchases with this score or more are in <c>gold/fraud_alerts</c>, under the rule <c>model</c>.</summary>
    double Threshold { get; }

    /// <summary>Purchases with this score or more are critical there.</summary>
    double CriticalThreshold { get; }

    /// <summary>A score for each row, in order; null = the model has none for it. Scores are finite; what they mean is the model's matter.</summary>
    /// <param name="rows">Rows; for purchases their columns are <see cref="Scores.PurchaseColumns"/>.</param>
    DoubleColumn Score(RowBatch rows);
}
