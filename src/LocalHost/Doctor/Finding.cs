using System.Text.Json.Serialization;

namespace Tidemark.LocalHost.Doctor;

/// <summary>How a check came out; the worst of them is the exit code.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Outcome>))]
internal enum Outcome
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It could not be found out here; the text says why.</summary>
    Unknown,

    /// <summary>It works, but should be looked at.</summary>
    Warning,

    /// <summary>It does not work, or will lose something.</summary>
    Failure,
}

/// <summary>The outcome of one check.</summary>
/// <param name="Check">What was looked at, in a word or two.</param>
/// <param name="Outcome">How it is.</param>
/// <param name="Text">What was found, a sentence.</param>
/// <param name="Remedy">What to do; null where nothing is to be done.</param>
internal sealed record Finding(string Check, Outcome Outcome, string Text, string? Remedy = null)
{
    public static Finding Ok(string check, string text) => new(check, Outcome.Ok, text);

    /// <summary>The same of a further topic.</summary>
    public Finding Of(string topic) => this with { Check = $"{Check} of {topic}" };

    public static Finding Unknown(string check, string text, string? remedy = null) => new(check, Outcome.Unknown, text, remedy);

    public static Finding Warning(string check, string text, string remedy) => new(check, Outcome.Warning, text, remedy);

    public static Finding Failure(string check, string text, string remedy) => new(check, Outcome.Failure, text, remedy);
}
