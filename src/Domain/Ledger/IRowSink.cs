using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// A place beside Delta and Table storage that the rows of one table are delivered to, such as a Kafka topic.
/// <para><b>Contract.</b> Committed rows are delivered in the order of their commits, at least once: a cursor in the ledger moves after a delivery, so
/// a crash in between repeats it, with the same rows. A new sink begins with what is committed after it was added.</para>
/// <para><b>Failure.</b> Whatever <see cref="DeliverAsync"/> throws becomes an alert and the same rows are delivered again; nothing is skipped, and
/// Delta and Table storage go on.</para>
/// </summary>
public interface IRowSink
{
    /// <summary>Names the sink and its cursor; no two sinks of a pipeline have the same.</summary>
    string Name { get; }

    /// <summary>The table whose committed rows it gets: <c>gold/…</c>, or one that ingest fills.</summary>
    string Table { get; }

    /// <summary>
    /// Whether it also gets the rows of open windows that changed, every tick. Only of a query that updates and takes no row back. A window's final
    /// row comes after its provisional ones, unless two instances tick at the same time.
    /// </summary>
    bool Provisional { get; }

    /// <summary>Delivers rows in order; completes when all of them surely arrived, throws when that is not so.</summary>
    /// <param name="rows">Rows of the table.</param>
    /// <param name="final">Whether they are committed and never change; false = of open windows.</param>
    /// <param name="cancel">Ends waiting.</param>
    Task DeliverAsync(RowBatch rows, bool final, CancellationToken cancel);
}
