namespace Tidemark.Domain.Corrections;

/// <summary>Which windows are reopened.</summary>
/// <param name="Query">Of this query only; null = of all.</param>
/// <param name="FromMs">With start at or after this; null = all.</param>
/// <param name="ToMs">With start before this; null = all.</param>
/// <param name="Every">Also windows that no late event is known of: for a query whose definition changed. Needs both bounds.</param>
public sealed record ReopenSelection(string? Query, long? FromMs, long? ToMs, bool Every = false)
{
    internal bool Has(long startMs) => !(startMs < FromMs) && !(startMs >= ToMs);
}

/// <summary>How it ended for a window.</summary>
public enum ReopenOutcome
{
    /// <summary>Its rows were corrected.</summary>
    Corrected,

    /// <summary>They were right already.</summary>
    Unchanged,

    /// <summary>They would be corrected: nothing was written.</summary>
    Different,

    /// <summary>The window is not closed, or its rows are not in Delta and Table storage yet.</summary>
    Open,
}

/// <summary>A window that was looked at.</summary>
/// <param name="Query">Its query.</param>
/// <param name="StartMs">Its start.</param>
/// <param name="EndMs">Its end.</param>
/// <param name="LateEvents">Late events that its rows had not.</param>
/// <param name="Repeats">Those of them that turned out to be duplicates and are left out.</param>
/// <param name="RowsRemoved">Rows of the table that are replaced or go.</param>
/// <param name="RowsAdded">Rows in their place.</param>
/// <param name="Version">Version of the Delta table with the rows; null when none was written.</param>
/// <param name="Outcome">How it ended.</param>
public sealed record ReopenedWindow(
    string Query, long StartMs, long EndMs, int LateEvents, int Repeats, int RowsRemoved, int RowsAdded, long? Version, ReopenOutcome Outcome);

/// <summary>Other changes of the same windows were always faster.</summary>
public sealed class CorrectionContestedException(string query)
    : InvalidOperationException($"The windows of {query} were changed by another each time that they had been computed again; nothing is lost, run it again.");
