namespace Tidemark.Functions.Configuration;

/// <summary>A setting is missing or wrong. The message is one sentence that names the setting and says what to do.</summary>
/// <param name="setting">Name of the setting.</param>
/// <param name="problem">What is wrong and the remedy, to follow the name, e.g. "is missing; set it to …".</param>
/// <param name="inner">What the parser said, if anything.</param>
public sealed class InvalidSettingException(string setting, string problem, Exception? inner = null)
    : Exception($"Setting {setting} {problem}", inner)
{
    /// <summary>Name of the setting.</summary>
    public string Setting { get; } = setting;
}
