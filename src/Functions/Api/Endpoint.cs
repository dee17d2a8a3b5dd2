namespace Tidemark.Functions.Api;

/// <summary>
/// What an HTTP function takes and gives. Its route, methods and key are read from the function itself; its parameters are those that it reads through
/// <see cref="Asked"/>, which refuses others; its schemas are made from the types that it writes.
/// </summary>
/// <param name="Function">Name of the function.</param>
/// <param name="Summary">What it answers, in a sentence.</param>
/// <param name="Parameters">What it takes.</param>
/// <param name="Answers">What it gives.</param>
internal sealed record Endpoint(string Function, string Summary, IReadOnlyList<Parameter> Parameters, IReadOnlyList<Answer> Answers)
{
    /// <summary>Schema of the body that it takes; null = none.</summary>
    public Schema? Body { get; init; }
}

/// <summary>An answer: a status, what it means, and the content by type. Problems need no content to be named.</summary>
internal sealed record Answer(int Status, string Description, params (string ContentType, Schema Schema)[] Content);
