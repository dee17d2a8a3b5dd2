using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>Random cases in the format of the conformance cases, with what <see cref="NaiveStream"/> makes of them as expectation.</summary>
internal static class RandomCase
{
    private static readonly string[] Functions = ["count", "sum", "avg", "min", "max", "countDistinct", "sumDistinct", "collectList", "collectSet", "median", "varPop", "stddevSamp"];

    public static JsonElement Make(Random random)
    {
        var query = Query(random);
        var steps = Steps(random, query);
        return JsonSerializer.SerializeToElement(new JsonObject
        {
            ["id"] = "random",
            ["kind"] = "chain",
            ["continuous"] = new JsonObject { ["state"] = query.ToJsonString().Contains("leftSemi", StringComparison.Ordinal) ? "differ" : "same" },
            ["query"] = query,
            ["steps"] = steps,
        });
    }

    private static JsonArray Steps(Random random, JsonObject query)
    {
        var stream = new NaiveStream(JsonSerializer.SerializeToElement(query));
        var (steps, time, now) = (new JsonArray(), 20m, 0m);
        for (var batch = random.Next(2, 9); batch > 0; batch--)
        {
            var rows = new JsonObject();
            foreach (var input in query["inputs"]!.AsObject().Where(_ => random.Next(4) > 0))
                rows[input.Key] = new JsonArray([.. Enumerable.Range(0, random.Next(0, 7)).Select(_ => Row(random, input.Value!["columns"]!.AsArray(), time))]);
            time += random.Next(0, 9) * 0.5m;
            now += random.Next(0, 7);
            steps.Add(new JsonObject { ["input"] = rows, ["at"] = now });
            stream.Batch(JsonSerializer.SerializeToElement(rows), now);
            Expect(steps, stream, query);
            if (random.Next(4) == 0)
            {
                steps.Add(new JsonObject { ["restart"] = true });
                stream.Restart();
            }
        }
        if (stream.Mode == "batch")
        {
            steps.Add(new JsonObject { ["endOfInput"] = true });
            stream.End();
            steps.Add(new JsonObject { ["expect"] = Json(stream.Take()) });
        }
        return steps;
    }

    private static void Expect(JsonArray steps, NaiveStream stream, JsonObject query)
    {
        if (stream.Mode == "complete")
            steps.Add(new JsonObject { ["expectTable"] = Json(stream.Table()) });
        else
            steps.Add(new JsonObject { ["expect"] = Json(stream.Take()) });
        if (stream.Mode == "batch")
            return;
        steps.Add(new JsonObject { ["watermark"] = stream.Watermark == decimal.MinValue ? 0 : stream.Watermark });
        var metrics = new JsonObject();
        foreach (var stage in stream.Stages.Where(s => s is not NaiveUnion and not NaiveAssign))
        {
            metrics[stage.Id] = new JsonObject
            {
                ["stateRows"] = stage.StateRows,
                ["droppedLate"] = stage.DroppedLate,
                ["droppedLateRows"] = stage.DroppedLateRows,
                ["droppedDuplicates"] = stage.DroppedDuplicates,
                ["removed"] = stage.Removed,
            };
            if (query["inputs"]!.AsObject().ContainsKey("more"))
                metrics[stage.Id]!.AsObject().Remove("droppedLate");   // groups are counted for each input of a union
            stage.ResetCounts();
        }
        steps.Add(new JsonObject { ["metrics"] = metrics });
    }

    private static JsonArray Row(Random random, JsonArray columns, decimal time) => new([.. columns.Select(c => c!.GetValue<string>() switch
    {
        "ts" or "lt" or "rt" => random.Next(20) == 0 ? null : (JsonNode)(time - random.Next(random.Next(3) == 0 ? 60 : 12) * 0.5m),
        "gap" => random.Next(8) == 0 ? null : random.Next(-1, 8),
        "k" or "lk" or "rk" => random.Next(10) == 0 ? null : (JsonNode)("k" + random.Next(3)),
        _ => random.Next(8) == 0 ? null : (JsonNode)random.Next(-5, 9),
    })]);

    private static JsonObject Query(Random random)
    {
        var (mode, output, stages, inputs) = ("append", new List<string>(), new JsonArray(), new JsonObject());
        inputs["in"] = Input(random, "k ts v gap", "ts");
        string[] keys = random.Next(3) == 0 ? [] : ["k"];
        var kind = random.Next(13);
        switch (kind)
        {
            case 0 or 1:
                mode = Pick(random, "append", "update", "complete", "batch");
                stages.Add(Window(random, "w", "in", "ts", keys, Aggregates(random)));
                output.AddRange([.. keys, "windowStart", "windowEnd", .. Names(stages)]);
                break;
            case 2:
                mode = Pick(random, "append", "append", "complete", "batch");
                stages.Add(Session(random, ["k"]));
                output.AddRange(["k", "sessionStart", "sessionEnd", .. Names(stages)]);
                break;
            case 3:
                mode = Pick(random, "append", "update", "complete", "batch");
                stages.Add(new JsonObject { ["id"] = "g", ["op"] = "groupBy", ["from"] = "in", ["keys"] = Array("ts", "k"), ["eventTimeKey"] = "ts", ["aggs"] = Aggregates(random) });
                output.AddRange(["ts", "k", .. Names(stages)]);
                break;
            case 4:
                mode = Pick(random, "update", "complete", "batch");
                stages.Add(new JsonObject { ["id"] = "g", ["op"] = "groupBy", ["from"] = "in", ["keys"] = Array(keys), ["aggs"] = Aggregates(random) });
                output.AddRange([.. keys, .. Names(stages)]);
                break;
            case 5:
                stages.Add(Dedup(random, "in"));
                output.AddRange(["k", "ts", "v"]);
                break;
            case 6 or 7:
                return Join(random);
            case 8:
                stages.Add(Window(random, "w1", "in", "ts", ["k"], Count()));
                stages.Add(random.Next(2) == 0 ? Window(random, "w2", "w1", "windowTime", [], Count())
                    : new JsonObject { ["id"] = "d", ["op"] = "dedup", ["from"] = "w1", ["keys"] = Array("count", "windowTime"), ["eventTimeKey"] = "windowTime" });
                output.AddRange(["windowStart", "count"]);
                break;
            case 9:
                stages.Add(Dedup(random, "in"));
                stages.Add(random.Next(2) == 0 ? Window(random, "w", "d", "ts", keys, Count()) : With(Session(random, ["k"]), "from", "d", Count()));
                output.AddRange(["windowStart", "count"]);
                break;
            case 10:
                stages.Add(With(Session(random, ["k"]), "from", "in", Count()));
                stages.Add(Window(random, "w", "s", "windowTime", [], Count()));
                output.AddRange(["windowStart", "count"]);
                break;
            case 11:
                inputs["more"] = Input(random, "k ts v gap", "ts");
                stages.Add(new JsonObject { ["id"] = "u", ["op"] = "union", ["of"] = Array("in", "more") });
                stages.Add(Window(random, "w", "u", "ts", keys, Aggregates(random)));
                output.AddRange([.. keys, "windowStart", .. Names(stages)]);
                break;
            default:
                mode = Pick(random, "update", "append");
                var byEvents = random.Next(2) == 0;
                stages.Add(new JsonObject
                {
                    ["id"] = "s", ["op"] = "groupState", ["from"] = "in", ["keys"] = Array("k"), ["timeout"] = byEvents ? "eventTime" : "processingTime",
                    ["fn"] = byEvents ? Pick(random, "maxTimeIdle5s", "maxTimeTimer5s") : "countIdle10s",
                });
                output.AddRange(["key", "value"]);
                break;
        }
        var query = new JsonObject { ["mode"] = mode, ["inputs"] = inputs, ["stages"] = stages, ["output"] = Array([.. output]) };
        if (kind == 12)
            inputs["in"] = new JsonObject { ["columns"] = Array("k", "ts"), ["eventTime"] = "ts", ["watermark"] = random.Next(0, 8) };
        if (random.Next(4) == 0 && mode is "append" or "update")
            query["noDataBatches"] = false;
        if (inputs.Count > 1 && random.Next(3) == 0)
            query["watermarkPolicy"] = "max";
        return query;
    }

    private static JsonObject Join(Random random)
    {
        var type = Pick(random, "inner", "leftOuter", "rightOuter", "fullOuter", "leftSemi");
        var stage = new JsonObject { ["id"] = "j", ["op"] = "join", ["type"] = type, ["left"] = "left", ["right"] = "right" };
        stage[random.Next(4) == 0 ? "nullSafeEquals" : "equals"] = new JsonArray(Array("lk", "rk"));
        switch (random.Next(4))
        {
            case 0:
                stage["sameWindow"] = new JsonObject { ["left"] = "lt", ["right"] = "rt", ["size"] = random.Next(1, 6) * 2 };
                break;
            case 1:
                stage["timeBounds"] = new JsonArray(Bound(random, "lt", ">", "rt", -1), Bound(random, "lt", "<", "rt", 1));
                break;
            case 2:
                stage["timeBounds"] = new JsonArray(Bound(random, "rt", ">", "lt", -1), Bound(random, "lt", ">", "rt", -1));
                break;
            default:
                ((JsonArray)(stage["equals"] ?? stage["nullSafeEquals"])!).Add(Array("lt", "rt"));
                break;
        }
        if (random.Next(4) == 0)
            stage["leftFilter"] = new JsonArray(new JsonObject { ["column"] = "lv", ["op"] = ">", ["value"] = random.Next(-3, 4) });
        if (random.Next(4) == 0)
            stage["rightFilter"] = new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["column"] = "rv", ["op"] = "<=", ["value"] = 0 }, new JsonObject { ["column"] = "rv", ["op"] = "=", ["value"] = 4 }) };
        if (random.Next(4) == 0)
            stage["where"] = new JsonArray(new JsonObject { ["left"] = "lv", ["op"] = "<", ["right"] = "rv", ["plus"] = 2 });
        var stages = new JsonArray(stage);
        var output = Array(type == "leftSemi" ? ["lk", "lt", "lv"] : ["lk", "lt", "lv", "rk", "rt", "rv"]);
        if (type is "inner" or "leftOuter" && random.Next(3) == 0 && stage["sameWindow"] is null)
        {
            stages.Add(Window(random, "w", "j", "lt", [], Count()));
            output = Array("windowStart", "count");
        }
        var query = new JsonObject
        {
            ["mode"] = "append",
            ["inputs"] = new JsonObject { ["left"] = Input(random, "lk lt lv", "lt"), ["right"] = Input(random, "rk rt rv", "rt") },
            ["stages"] = stages,
            ["output"] = output,
        };
        if (random.Next(4) == 0)
            query["noDataBatches"] = false;
        return query;
    }

    private static JsonObject Bound(Random random, string left, string op, string right, int sign) =>
        new() { ["left"] = left, ["op"] = random.Next(2) == 0 ? op : op + "=", ["right"] = right, ["plus"] = sign * random.Next(0, 8) };

    private static JsonObject Input(Random random, string columns, string time) =>
        new() { ["columns"] = Array(columns.Split(' ')), ["eventTime"] = time, ["watermark"] = random.Next(0, 16) * 0.5m };

    private static JsonObject Window(Random random, string id, string from, string on, string[] keys, JsonArray aggregates)
    {
        var slide = random.Next(1, 8);
        var size = random.Next(2) == 0 ? slide : slide + random.Next(0, 6) * 0.5m;
        return new JsonObject
        {
            ["id"] = id, ["op"] = "window", ["from"] = from, ["on"] = on, ["size"] = size, ["slide"] = slide, ["offset"] = random.Next(2) == 0 ? 0 : random.Next(1 - slide, slide), ["keys"] = Array(keys),
            ["aggs"] = aggregates,
        };
    }

    private static JsonObject Session(Random random, string[] keys)
    {
        var session = new JsonObject { ["id"] = "s", ["op"] = "session", ["from"] = "in", ["on"] = "ts", ["keys"] = Array(keys), ["aggs"] = Aggregates(random) };
        if (random.Next(2) == 0)
            session["gapColumn"] = "gap";
        else
            session["gap"] = random.Next(1, 8);
        return session;
    }

    private static JsonObject Dedup(Random random, string from) => random.Next(3) switch
    {
        0 => new JsonObject { ["id"] = "d", ["op"] = "dedup", ["from"] = from, ["keys"] = Array("k", "ts"), ["eventTimeKey"] = "ts" },
        1 => new JsonObject { ["id"] = "d", ["op"] = "dedup", ["from"] = from, ["keys"] = Array("k", "v") },
        _ => new JsonObject { ["id"] = "d", ["op"] = "dedupWithinWatermark", ["from"] = from, ["keys"] = Array("k") },
    };

    private static JsonObject With(JsonObject stage, string name, string value, JsonArray aggregates)
    {
        (stage[name], stage["aggs"]) = (value, aggregates);
        return stage;
    }

    private static JsonArray Aggregates(Random random) => new([.. Functions.Where(_ => random.Next(3) == 0).DefaultIfEmpty("count")
        .Select(f => (JsonNode)(f == "count" && random.Next(2) == 0 ? new JsonObject { ["fn"] = f, ["as"] = f } : new JsonObject { ["fn"] = f, ["column"] = "v", ["as"] = f }))]);

    private static JsonArray Count() => new(new JsonObject { ["fn"] = "count", ["as"] = "count" });

    private static IEnumerable<string> Names(JsonArray stages) => stages[^1]!["aggs"]!.AsArray().Select(a => a!["as"]!.GetValue<string>());

    private static string Pick(Random random, params string[] from) => from[random.Next(from.Length)];

    private static JsonArray Array(params string[] values) => new([.. values.Select(v => (JsonNode)v)]);

    private static JsonArray Json(IEnumerable<object?[]> rows) => new([.. rows.Select(r => new JsonArray([.. r.Select(Cell)]))]);

    private static JsonNode? Cell(object? cell) => cell switch
    {
        null => null,
        decimal number => (JsonNode)number,
        string text => (JsonNode)text,
        bool truth => (JsonNode)truth,
        IEnumerable<object?> list => new JsonArray([.. list.Select(Cell)]),
        _ => throw new NotSupportedException(cell.GetType().Name),
    };
}
