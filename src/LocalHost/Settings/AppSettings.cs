using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Tidemark.LocalHost.Settings;

/// <summary>
/// The settings that functions see. Later sources win: the host's own defaults, <c>Values</c> of local.settings.json, the environment,
/// and what the host imposes (addresses of services that it started, options of the command line).
/// </summary>
internal static class AppSettings
{
    /// <param name="defaults">Values that anything else overrides.</param>
    /// <param name="localSettingsPath">Path of local.settings.json; it need not exist.</param>
    /// <param name="imposed">Values that win over everything.</param>
    /// <exception cref="SettingException">The file cannot be read.</exception>
    public static IConfigurationRoot Build(
        IEnumerable<KeyValuePair<string, string?>> defaults, string localSettingsPath, IEnumerable<KeyValuePair<string, string?>> imposed) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(defaults)
            .AddInMemoryCollection(ReadLocalSettings(localSettingsPath))
            .AddEnvironmentVariables()
            .AddInMemoryCollection(imposed)
            .Build();

    /// <summary>Replaces each <c>%Name%</c> by the setting of that name.</summary>
    /// <exception cref="SettingException">A named setting is missing.</exception>
    public static string Expand(this IConfiguration settings, string text, string where)
    {
        var parts = text.Split('%');
        if (parts.Length % 2 == 0)
            throw new SettingException($"{where}: '{text}' has an odd number of '%'; write %Name% for a setting.");
        for (var i = 1; i < parts.Length; i += 2)
        {
            parts[i] = settings[parts[i]] is { Length: > 0 } value ? value : throw new SettingException(
                $"{where}: the setting {parts[i]} is missing; set it in local.settings.json or as an environment variable.");
        }

        return string.Concat(parts);
    }

    /// <summary>The setting by which the real host, and this one, leaves a function out.</summary>
    public static string Disabled(string function) => $"AzureWebJobs.{function}.Disabled";

    /// <summary>Whether a function is left out: <c>true</c> or <c>1</c>, as in the real host.</summary>
    public static bool IsDisabled(this IConfiguration settings, string function) =>
        settings[Disabled(function)] is { } value && (value == "1" || value.Equals("true", StringComparison.OrdinalIgnoreCase));

    /// <summary>What an attribute means that holds either a setting's name or the value itself.</summary>
    public static string NameOrValue(this IConfiguration settings, string text, string where) =>
        text.Contains('%') ? settings.Expand(text, where) : settings[text] is { Length: > 0 } value ? value : text;

    private static List<KeyValuePair<string, string?>> ReadLocalSettings(string path)
    {
        List<KeyValuePair<string, string?>> values = [];
        if (!File.Exists(path))
            return values;
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(path), new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            if (!document.RootElement.TryGetProperty("Values", out var section))
                return values;
            foreach (var property in section.EnumerateObject())
                values.Add(new(property.Name.Replace("__", ":", StringComparison.Ordinal), property.Value.ToString()));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new SettingException($"{path} is not the JSON of local settings ({e.Message}); mend it or copy local.settings.sample.json.");
        }

        return values;
    }
}
