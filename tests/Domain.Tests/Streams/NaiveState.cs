using System.Text.Json;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>Functions with state of <see cref="NaiveStream"/>.</summary>
internal sealed class NaiveState(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    private sealed class Entry(object? key)
    {
        public object? Key => key;
        public decimal Value, First, Last;
        public decimal? Timeout;
        public bool IsNew;
    }

    private readonly Dictionary<string, Entry> entries = [];
    private readonly string function = stage.GetProperty("fn").GetString()!;

    public override int StateRows => entries.Count;

    public override string? Time => null;

    public override string[] Columns => function == "sessionInfo10s" ? ["key", "count", "spanMs", "expired"] : ["key", "value"];

    private bool ByEvents => Text("timeout") == "eventTime";

    public void Seed(JsonElement states)
    {
        foreach (var state in states.EnumerateArray())
            entries[NaiveCells.Text(NaiveCells.Cell(state[0]))] = new Entry(NaiveCells.Cell(state[0])) { Value = state[1].GetDecimal(), IsNew = true };
    }

    public override List<NaiveCells> Process()
    {
        var output = new List<NaiveCells>();
        var rows = Stream.From(Sources[0]).Where(r => !IsLate(r)).ToList();
        foreach (var group in rows.GroupBy(r => r.Key(Keys)))
            Call(group.Key, group.First()[Keys[0]], [.. group], output);
        return output;
    }

    public override List<NaiveCells> Close()
    {
        var output = new List<NaiveCells>();
        foreach (var (text, entry) in entries.Where(e => e.Value.IsNew).ToArray())
            Call(text, entry.Key, [], output);
        var clock = ByEvents ? Mark : Stream.Now;
        foreach (var (text, entry) in entries.ToArray())
            if (Text("timeout") is "eventTime" or "processingTime" && (function == "maxTimeTimer5s" ? entry.Timeout <= clock : entry.Timeout < clock))
            {
                entries.Remove(text);
                Removed++;
                output.Add(function == "sessionInfo10s" ? Info(entry, true) : Row(entry.Key, -1));
            }
        return output;
    }

    private bool IsLate(NaiveCells row)
    {
        var late = ByEvents && Stream.TimeOf(Sources[0]) is { } time && row[time] is decimal at && at <= Mark;
        DroppedLate += late ? 1 : 0;
        DroppedLateRows += late ? 1 : 0;
        return late;
    }

    private void Call(string text, object? key, List<NaiveCells> rows, List<NaiveCells> output)
    {
        var isFirst = !entries.TryGetValue(text, out var entry);
        entry ??= entries[text] = new Entry(key);
        (entry.IsNew, entry.Timeout) = (false, null);
        var times = rows.Select(r => r["ts"]).OfType<decimal>().ToArray();
        switch (function)
        {
            case "countTo3Silent" or "countTo3Marker" or "countTo3PerRow":
                var perRow = function == "countTo3PerRow";
                foreach (var step in perRow ? rows.Select(_ => 1) : [rows.Count])
                {
                    entries[text] = entry;
                    entry.Value += step;
                    if (entry.Value != 3)
                        output.Add(Row(key, entry.Value));
                    else if (function == "countTo3Marker")
                        output.Add(Row(key, -1));
                    if (entry.Value == 3)
                        (_, entry.Value) = (entries.Remove(text), 0);
                }
                Removed += entries.ContainsKey(text) || isFirst ? 0 : 1;
                break;
            case "countIdle10s":
                entry.Value += rows.Count;
                entry.Timeout = Stream.Now + 10;
                output.Add(Row(key, entry.Value));
                break;
            case "maxTimeIdle5s" or "maxTimeTimer5s" when isFirst && times.Length == 0:
                entries.Remove(text);
                break;
            case "maxTimeIdle5s" or "maxTimeTimer5s":
                entry.Value = isFirst ? times.Max() : times.Append(entry.Value).Max();
                entry.Timeout = entry.Value + 5;
                output.Add(Row(key, entry.Value));
                break;
            case "sessionInfo10s":
                (entry.First, entry.Last) = isFirst ? (times.Min(), times.Max()) : (times.Append(entry.First).Min(), times.Append(entry.Last).Max());
                entry.Value += rows.Count;
                entry.Timeout = Stream.Now + 10;
                output.Add(Info(entry, false));
                break;
            case "onceWithTimeoutAtHalfSecond":
                entry.Timeout = isFirst ? 0.5m : null;
                output.Add(Row(key, 0));
                break;
            default:
                throw new NotSupportedException(function);
        }
    }

    private static NaiveCells Row(object? key, decimal value) => new([KeyValuePair.Create("key", key), KeyValuePair.Create("value", (object?)value)]);

    private static NaiveCells Info(Entry entry, bool expired) => new([KeyValuePair.Create("key", entry.Key), KeyValuePair.Create("count", (object?)entry.Value),
        KeyValuePair.Create("spanMs", (object?)((entry.Last - entry.First) * 1000)), KeyValuePair.Create("expired", (object?)expired)]);
}
