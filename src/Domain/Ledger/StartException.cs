namespace Tidemark.Domain.Ledger;

/// <summary>A topic does not have what <see cref="StartFrom"/> names, so nothing was begun. It is tried again by the next run, and holds until the setting or the topic changes.</summary>
public sealed class StartException : InvalidOperationException
{
    /// <summary>Creates it with a sentence that names the setting and says what to do.</summary>
    public StartException(string message)
        : base(message)
    {
    }

    /// <summary>Whether records that come later would mend it.</summary>
    public bool MayYetCome { get; init; }
}
