using Azure;

namespace Tidemark.Functions.Tables;

/// <summary>Which answers of Table storage mean that a precondition did not hold, and nothing else.</summary>
internal static class TableErrors
{
    /// <summary>
    /// The row has another ETag, is there already, or is gone. A missing or vanishing table, a malformed request or a busy service are none of these.
    /// <para>Azure.Core repeats a request whose answer was lost; if the first attempt had been written, the repeat meets its own row and comes back
    /// with one of these codes. "Precondition failed" therefore reads "not written, or written by this very call": callers read again.</para>
    /// </summary>
    public static bool IsPrecondition(RequestFailedException e) => e switch
    {
        { Status: 412 } => true,
        { Status: 409, ErrorCode: "EntityAlreadyExists" } => true,
        { Status: 404, ErrorCode: "ResourceNotFound" or "EntityNotFound" } => true,
        _ => false,
    };

    /// <summary>The row (not the table) does not exist.</summary>
    public static bool IsAbsent(RequestFailedException e) => e is { Status: 404, ErrorCode: "ResourceNotFound" or "EntityNotFound" };
}
