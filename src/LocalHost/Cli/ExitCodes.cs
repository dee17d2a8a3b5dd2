namespace Tidemark.LocalHost.Cli;

/// <summary>Exit codes, as told by <c>--help</c>.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>Something failed; the message says what.</summary>
    public const int Failure = 1;

    /// <summary>An option or setting is wrong.</summary>
    public const int BadSetting = 2;

    /// <summary>Another process uses the data directory.</summary>
    public const int InUse = 3;

    /// <summary><c>status</c>: nothing runs on the data directory.</summary>
    public const int NotRunning = 4;

    /// <summary><c>doctor</c>: nothing fails, but something should be looked at.</summary>
    public const int Warning = 5;

    /// <summary>Ended by Ctrl-C.</summary>
    public const int Interrupted = 130;

    /// <summary>Ended by SIGTERM before <c>--once</c> was done.</summary>
    public const int Terminated = 143;
}
