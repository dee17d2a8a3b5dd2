namespace Tidemark.Domain.Corrections;

/// <summary>
/// Rules of corrections that tests switch off to see that they notice: without each of them a trace lost, doubled or misplaced an event.
/// </summary>
[Flags]
internal enum CorrectionRule
{
    /// <summary>All rules hold.</summary>
    None = 0,

    /// <summary>A commit that corrects moves the count of corrections from what it was before the events were read.</summary>
    CountMustBeEqual = 1,

    /// <summary>A record says that a correction has begun before anything is changed, and the next attempt writes all rows of the window.</summary>
    PendingBeforeChange = 2,

    /// <summary>After the ETags of Table storage were read, the count is looked at once more.</summary>
    CountAfterETags = 4,

    /// <summary>Only windows whose final rows are in Delta and published are touched.</summary>
    PublishedOnly = 8,
}
