using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Tidemark.Functions.Http;

namespace Tidemark.Functions.Api;

/// <summary>Which form of rows a caller wants.</summary>
internal static class Accepts
{
    public const string Csv = "text/csv", Json = "application/json", ProblemJson = "application/problem+json";

    /// <summary>True for CSV. The parameter decides, else the header; JSON where both are equally welcome. A problem where the header takes neither.</summary>
    public static bool IsCsv(HttpRequest request, string? format, out Reply? problem)
    {
        problem = null;
        if (format is not null)
            return format == "csv";
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted) || accepted.Count == 0)
            return false;
        var (csv, json) = (Quality(accepted, Csv), Quality(accepted, Json));
        if (csv <= 0 && json <= 0)
            problem = Reply.Problem(StatusCodes.Status406NotAcceptable, $"The header Accept takes neither {Json} nor {Csv}.");
        return csv > json;
    }

    /// <summary>The most specific range that a type is in says how welcome it is.</summary>
    private static double Quality(IList<MediaTypeHeaderValue> accepted, string type)
    {
        var wanted = new MediaTypeHeaderValue(type);
        var fit = accepted.Where(range => wanted.IsSubsetOf(new MediaTypeHeaderValue(range.MediaType)))
            .OrderByDescending(range => range.MatchesAllTypes ? 0 : range.MatchesAllSubTypes ? 1 : 2).FirstOrDefault();
        return fit is null ? 0 : fit.Quality ?? 1;
    }
}
