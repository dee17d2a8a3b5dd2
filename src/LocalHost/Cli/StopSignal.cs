using System.Runtime.InteropServices;

namespace Tidemark.LocalHost.Cli;

/// <summary>Ctrl-C and SIGTERM: the first asks for an orderly end, a second one ends the process at once.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration interrupt;
    private readonly PosixSignalRegistration terminate;

    public StopSignal()
    {
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
            return; // Not cancelled: the system's default ends the process.
        context.Cancel = true;
        Signal = context.Signal;
        source.Cancel();
    }
}
