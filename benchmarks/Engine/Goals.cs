namespace Tidemark.Bench.Engine;

/// <summary>What one core should do, beside what it did; where it fell short, what the time went into.</summary>
internal static class Goals
{
    private const string CountAndSum = "decode + 1-minute window, count and sum by category", Distinct = "columns: exact distinct users by category";

    public static void Print(IReadOnlyList<Measured> results)
    {
        Console.WriteLine("\ngoals");
        AtLeast(CountAndSum, 2_000_000, "bare Utf8JsonReader loop", "decode", "columns: 1-minute window, count and sum by category");
        AtLeast("decode + all clickstream queries", 700_000, "decode", "columns: all clickstream queries");
        AtLeast("columns: 1-minute window, count", 100_000_000);
        AtLeast("sessions by user, 100,000 keys", 1_000_000);
        if (Find(Distinct) is { } ours && Find("DuckDB: columns, exact distinct users by category") is { } theirs)
            Line(Distinct, ours.EventsPerSecond, theirs.EventsPerSecond / 2, "half of DuckDB's");
        foreach (var name in new[] { CountAndSum, Distinct })
            if (Find(name) is { BytesPerEvent: { } bytes })
                Console.WriteLine(FormattableString.Invariant($"{name,-62} {bytes,14:F1} bytes an event, goal 0: {Math.Round(bytes * 10_000 / 1000):N0} KB in a batch of 10,000"));

        void AtLeast(string name, double goal, params string[] parts)
        {
            if (Find(name) is not { } measured)
                return;
            Line(name, measured.EventsPerSecond, goal, FormattableString.Invariant($"goal {goal:N0}"));
            if (measured.EventsPerSecond < goal && parts.Length > 0)
                Console.WriteLine("    " + string.Join(", ", parts.Prepend(name).Where(p => Find(p) is not null).Select(p => FormattableString.Invariant($"{p}: {1e9 / Find(p)!.Value.EventsPerSecond:F0} ns an event"))));
        }

        static void Line(string name, double measured, double goal, string what) =>
            Console.WriteLine(FormattableString.Invariant($"{name,-62} {measured,14:N0} events/s, {measured / goal,5:P0} of {what}{(measured < goal ? ": missed" : "")}"));

        Measured? Find(string name) => results.Where(r => r.Name == name).Select(r => (Measured?)r).FirstOrDefault();
    }
}
