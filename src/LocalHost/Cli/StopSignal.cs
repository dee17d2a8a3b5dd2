using System.Runtime.InteropServices;

namespace Tidemark.LocalHost.Cli;

/// <summary>Ctrl-C and SIGTERM: the first asks for an orderly end and says so at once, a second one ends the process.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly Action<string> tell;
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration interrupt;
    private readonly PosixSignalRegistration terminate;

    /// <param name="tell">Prints a line.</param>
    public StopSignal(Action<string> tell)
    {
        this.tell = tell;
        interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    }

    public CancellationToken Token => source.Token;

    /// <summary>Which signal came first; null when none did.</summary>
    public PosixSignal? Signal { get; private set; }

    public void Dispose()
    {
        interrupt.Dispose();
        terminate.Dispose();
        source.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        if (Signal is not null)
        {
            tell("Ended at once. The next run on this folder takes over what is still running and goes on from what is committed.");
            return; // Not cancelled: the system's default ends the process.
        }

        context.Cancel = true;
        Signal = context.Signal;
        tell("Stopping: what is being committed is finished first, then storage and broker write what they hold to disk. Ctrl-C again ends at once; nothing is lost either way.");
        source.Cancel();
    }
}
