namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Thrown into the code under test by a store call that failed, before or after its effect.</summary>
internal sealed class SimStoreException(string message) : IOException(message);

/// <summary>A process: it may die at any await, and then nothing of it ever goes on.</summary>
internal sealed class SimActor(string name)
{
    public string Name { get; } = name;

    public bool IsDead { get; set; }
}

/// <summary>
/// One seeded, single-threaded world: every store call is two awaits (on its way, answer under way), and which of all waiting calls goes on next
/// is drawn. The same seed gives the same history.
/// </summary>
internal sealed class SimWorld : SynchronizationContext
{
    private readonly List<(SimActor? Actor, long NotBefore, Action Go)> _waiting = [];
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();

    public SimWorld(int seed, bool trace)
    {
        Random = new Random(seed);
        Trace = trace ? [] : null;
        Time = new SimTime(this);
    }

    public Random Random { get; }

    public long NowMs { get; private set; } = 1_700_000_000_000;

    public SimTime Time { get; }

    public List<string>? Trace { get; }

    /// <summary>Whether calls may fail and actors may die.</summary>
    public bool Faults { get; set; } = true;

    public double FaultRate { get; set; } = 0.01;

    /// <summary>How often a call is under way for seconds.</summary>
    public double StallRate { get; set; } = 0.005;

    public Action<SimActor> OnCrash { get; set; } = _ => { };

    public int Steps { get; private set; }

    public void Note(string text) => Trace?.Add($"{Steps,6} {NowMs % 10_000_000,8} {text}");

    /// <summary>Waits to be drawn. A dead actor waits for ever.</summary>
    public Task StepAsync(SimActor? actor, long afterMs = 0)
    {
        var done = new TaskCompletionSource();
        _waiting.Add((actor, NowMs + afterMs, done.SetResult));
        return done.Task;
    }

    public void At(long afterMs, Action action) => _waiting.Add((null, NowMs + afterMs, action));

    /// <summary>Calls of ticks and of those who reopen that begin with this are stalled far more often than others.</summary>
    public string? StallOn { get; set; }

    private long StallMs(SimActor actor, string what)
    {
        if (!Faults)
            return 0;
        if (StallOn is { } name && (actor.Name.StartsWith("tick", StringComparison.Ordinal) || actor.Name.StartsWith("reopener", StringComparison.Ordinal)) && what.StartsWith(name, StringComparison.Ordinal) && Random.Next(3) == 0)
            return Random.Next(5_000);
        return Random.NextDouble() < StallRate ? Random.Next(8_000) : 0;
    }

    /// <summary>One store call: its effect is atomic; it can fail before or after, and its caller can die on either side.</summary>
    public async Task<T> CallAsync<T>(SimActor actor, string what, Func<T> effect)
    {
        await StepAsync(actor, StallMs(actor, what));
        var fault = Faults ? Random.NextDouble() / FaultRate : 9;
        if (fault < 0.25)
        {
            Die(actor, $"dies before {what}");
            await StepAsync(actor);
        }

        if (fault is >= 0.25 and < 0.5)
        {
            Note($"{actor.Name}: {what} fails before its effect");
            throw new SimStoreException($"{what} failed");
        }

        var result = effect();
        Note($"{actor.Name}: {what} -> {result}");
        if (fault is >= 0.5 and < 0.75)
            Die(actor, $"dies after {what}");
        await StepAsync(actor);
        if (fault is >= 0.75 and < 1)
        {
            Note($"{actor.Name}: the answer of {what} is lost");
            throw new SimStoreException($"answer of {what} lost");
        }

        return result;
    }

    public override void Post(SendOrPostCallback d, object? state) => _posted.Enqueue((d, state));

    /// <summary>Runs until the condition holds (looked at between calls), nothing waits, or the steps are used up; whether the condition holds.</summary>
    public bool RunUntil(Func<bool> done, int maxSteps)
    {
        var previous = Current;
        SetSynchronizationContext(this);
        try
        {
            Drain();
            for (var limit = Steps + maxSteps; Steps < limit; Steps++)
            {
                if (done())
                    return true;
                _waiting.RemoveAll(w => w.Actor is { IsDead: true });
                if (_waiting.Count == 0)
                    return done();
                GoOn();
                Drain();
            }

            return done();
        }
        finally
        {
            SetSynchronizationContext(previous);
        }
    }

    /// <summary>Starts an actor's loop inside the world.</summary>
    public void Start(Func<Task> loop) => Post(_ => loop(), null);

    private void Die(SimActor actor, string text)
    {
        Note($"{actor.Name} {text}");
        actor.IsDead = true;
        OnCrash(actor);
    }

    private void GoOn()
    {
        var ready = new List<int>();
        for (var i = 0; i < _waiting.Count; i++)
            if (_waiting[i].NotBefore <= NowMs)
                ready.Add(i);
        if (ready.Count == 0)
        {
            NowMs = _waiting.Min(w => w.NotBefore);
            return;
        }

        var pick = ready[Random.Next(ready.Count)];
        var go = _waiting[pick].Go;
        _waiting.RemoveAt(pick);
        NowMs += Random.Next(8);
        go();
    }

    private void Drain()
    {
        while (_posted.TryDequeue(out var p))
            p.Callback(p.State);
    }
}

/// <summary>The world's clock.</summary>
internal sealed class SimTime(SimWorld world) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(world.NowMs);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer();
        world.At((long)dueTime.TotalMilliseconds, () =>
        {
            if (!timer.IsDisposed)
                callback(state);
        });
        return timer;
    }

    private sealed class SimTimer : ITimer
    {
        public bool IsDisposed { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose() => IsDisposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
