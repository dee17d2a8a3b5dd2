using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Scoring;

namespace Tidemark.Functions.Scoring;

/// <summary>Installs a model.</summary>
public static class ScorerRegistration
{
    /// <summary>
    /// Scores every purchase with this model: in <c>gold/purchases</c>, in <c>gold/fraud_alerts</c> under the rule <c>model</c>, and in verdicts. Call it before
    /// <see cref="Composition.AddTidemark"/>. Of several the last one counts. docs/api.md has an example.
    /// </summary>
    /// <exception cref="ArgumentException">The name or the version is empty or holds a slash or a control character, or a threshold is no number.</exception>
    public static IServiceCollection AddTidemarkScorer(this IServiceCollection services, IScorer scorer)
    {
        ArgumentNullException.ThrowIfNull(scorer);
        foreach (var (what, text) in new[] { ("name", scorer.Name), ("version", scorer.Version) })
            if (string.IsNullOrWhiteSpace(text) || text.Any(c => c == '/' || char.IsControl(c)))
                throw new ArgumentException($"The scorer's {what} is '{text}'; it should be text without slashes, such as risk or 3.", nameof(scorer));
        if (!(scorer.Threshold <= scorer.CriticalThreshold))
            throw new ArgumentException($"The scorer's thresholds are {scorer.Threshold} and {scorer.CriticalThreshold} for critical; the first should be a number not above the second.", nameof(scorer));
        return services.AddSingleton<IScorer>(new WatchedScorer(scorer));
    }

    /// <summary>The model that was installed; null = none.</summary>
    internal static IScorer? Scorer(this IServiceCollection services) =>
        services.LastOrDefault(s => s.ServiceType == typeof(IScorer))?.ImplementationInstance as IScorer;
}
