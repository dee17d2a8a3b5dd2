using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tidemark.Functions.Http;

namespace Tidemark.Functions.Api;

/// <summary>
/// A request's parameters, read as its <see cref="Endpoint"/> declares them. The first that is wrong makes <see cref="Problem"/>; values read after that mean
/// nothing. Parameters that the endpoint does not declare are refused, since a misspelt one would otherwise be passed over.
/// </summary>
internal sealed class Asked
{
    // The host's own: a function key and its client may be in the address.
    private static readonly string[] OfHost = ["code", "clientId"];
    private readonly HttpRequest _request;
    private readonly Endpoint _endpoint;

    public Asked(HttpRequest request, Endpoint endpoint)
    {
        (_request, _endpoint) = (request, endpoint);
        var known = endpoint.Parameters.Where(p => !p.InPath).ToDictionary(p => p.Name);
        foreach (var (name, values) in request.Query)
            if (!OfHost.Contains(name) && !known.ContainsKey(name))
                Refuse(name, known.Count == 0 ? $"There is no parameter '{name}' here, nor any other." : $"There is no parameter '{name}' here; there are {string.Join(", ", known.Keys)}.");
            else if (values.Count > 1 && known.TryGetValue(name, out var parameter) && !parameter.Repeats)
                Refuse(name, $"The parameter {name} is given {values.Count} times; give it once.");
    }

    /// <summary>The answer where a parameter is wrong; null while all are right.</summary>
    public Reply? Problem { get; private set; }

    /// <summary>Whether it is given.</summary>
    public bool Has(Parameter parameter) => Declared(parameter) && _request.Query.ContainsKey(parameter.Name);

    /// <summary>The value of a parameter in the query, or the other where it is not given.</summary>
    public T Get<T>(Parameter<T> parameter, T otherwise) => Has(parameter) ? Read(parameter, _request.Query[parameter.Name].ToString(), otherwise) : otherwise;

    /// <summary>The values of one that repeats.</summary>
    public IReadOnlyList<T> All<T>(Parameter<T> parameter) =>
        Has(parameter) ? [.. _request.Query[parameter.Name].Select(text => Read(parameter, text ?? "", default!))] : [];

    /// <summary>
    /// The value of a part of the route. Routing leaves an encoded slash as it is, and then nobody can tell it from the letters <c>%2F</c>: so it is read from the
    /// address as it came, where the server tells that.
    /// </summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="routed">What routing made of it.</param>
    /// <param name="fromEnd">How many parts of the route come after it.</param>
    public string Path(Parameter<string> parameter, string routed, int fromEnd = 0)
    {
        Declared(parameter);
        var raw = _request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var parts = raw.Split('?', 2)[0].Split('/');
        return Read(parameter, routed.Contains('%', StringComparison.Ordinal) && parts.Length > fromEnd + 1 ? Uri.UnescapeDataString(parts[^(fromEnd + 1)]) : routed, routed);
    }

    /// <summary>Notes what is wrong with a parameter, unless another was wrong before.</summary>
    public void Refuse(string parameter, string sentence) => Problem ??= Reply.Problem(StatusCodes.Status400BadRequest, sentence, parameter);

    private bool Declared(Parameter parameter) => _endpoint.Parameters.Contains(parameter)
        ? true : throw new InvalidOperationException($"{_endpoint.Function} reads the parameter {parameter.Name}, which it does not declare.");

    private T Read<T>(Parameter<T> parameter, string text, T otherwise)
    {
        var read = parameter.Read(text);
        if (read.Expected is null)
            return read.Value!;
        var shown = text.Length <= 60 ? text : text[..60] + "…";
        Refuse(parameter.Name, $"The parameter {parameter.Name} is '{shown}'; it should be {read.Expected}.");
        return otherwise;
    }
}
