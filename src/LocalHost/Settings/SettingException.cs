namespace Tidemark.LocalHost.Settings;

/// <summary>A setting or option is missing or wrong. The message is one sentence that names it and says what to do; exit code 2.</summary>
internal sealed class SettingException(string message) : Exception(message);
