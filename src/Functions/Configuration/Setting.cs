namespace Tidemark.Functions.Configuration;

/// <summary>One application setting as docs/configuration.md lists it. The page and this are compared by a test.</summary>
/// <param name="Name">Name in local.settings.json and in the app's settings.</param>
/// <param name="Default">Value when it is not set; "required" when there is none, "–" when unset means off.</param>
/// <param name="Range">What it may be.</param>
/// <param name="Effect">What it does.</param>
/// <param name="Secret">Never logged nor shown.</param>
public sealed record Setting(string Name, string Default, string Range, string Effect, bool Secret = false);
